"""What `townhall` does: settings and flags -> a listener, the faces behind the gate, a server."""

from __future__ import annotations

import asyncio
from contextlib import closing

import click

from tinytown.bootstrap import Town
from tinytown.config.townhall import TownhallSettings
from tinytown.domain.errors import ConfigError
from tinytown.serving.listening import Listener, place
from tinytown.serving.logs import configure_server_logs
from tinytown.serving.rest import rest_app
from tinytown.serving.server import Serving, serve
from tinytown.townhall.pool import TownPool


def serve_rest(town: Town, *, bind: str | None, port: int | None) -> None:
    """Serve REST until told to stop.

    Raises:
        ConfigError: the settings do not allow it, or the address cannot be used.
    """
    settings = town.settings.townhall
    listener = listen(settings, settings.bind if bind is None else bind, settings.rest_port if port is None else port)
    configure_server_logs()
    stopping = asyncio.Event()
    with closing(_towns(town)) as towns, listener.socket:
        serving = Serving(
            app=rest_app(town, towns, stopping),
            listener=listener,
            stopping=stopping,
            grace_secs=settings.request_timeout_ms / 1000,
        )
        serve(serving, lambda: click.echo(f"🏛️  Townhall of {town.settings.town.name}: {serving.url}"))


def _towns(town: Town) -> TownPool:
    live = town.live_settings
    return TownPool(lambda: Town(live.now(), town.environ, town.clock), version=live.now)


def listen(settings: TownhallSettings, bind: str, port: int) -> Listener:
    """Open the address; one that others reach only when they are asked who they are."""
    found = place(bind, port)
    if settings.auth.mode == "none" and not found.is_loopback:
        raise ConfigError(
            f"refusing to listen on {bind}, which other machines reach, without authentication; set mode under"
            ' [townhall.auth] to "api_key" (tt auth gen-key makes a key) or "oidc", or bind 127.0.0.1'
        )
    return found.listen()
