"""What `townhall` does: settings and flags -> a listener, the faces behind the gate, a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import click
from starlette.types import ASGIApp

from tinytown.bootstrap import Town
from tinytown.config.townhall import TownhallSettings
from tinytown.domain.errors import ConfigError
from tinytown.gate.authentication import check_settings
from tinytown.gate.guard import guarded
from tinytown.gate.origins import normal
from tinytown.serving.descriptors import room_for
from tinytown.serving.dispatching import Dispatching
from tinytown.serving.door import Limits
from tinytown.serving.gates import gate_of
from tinytown.serving.listening import Place, place
from tinytown.serving.logs import configure_server_logs
from tinytown.serving.mcp import http_app
from tinytown.serving.parts import Parts, town_pool
from tinytown.serving.rest import rest_app
from tinytown.serving.server import Serving, serve
from tinytown.serving.settings import LiveTownhall
from tinytown.serving.stores import have_store
from tinytown.serving.tls import tls_context

MOST_PORT = 65_535


def serve_rest(town: Town, *, bind: str | None, port: int | None, has_dispatcher: bool) -> None:
    """Serve REST until told to stop.

    Raises:
        ConfigError: the settings do not allow it, or the address or a file cannot be used.
    """
    where = place(*_address(town.settings.townhall, bind, port))
    serve_face(town, where, rest_app, name="Townhall", has_dispatcher=has_dispatcher)


def serve_mcp_http(town: Town, *, bind: str | None, port: int | None) -> None:
    """Serve MCP alone over HTTP until told to stop, behind the same gate, on the port after REST's.

    Raises:
        ConfigError: as `serve_rest`.
    """
    settings = town.settings.townhall
    host, beside = _address(settings, bind, None)
    where = place(host, _next_port(beside) if port is None else port)
    serve_face(town, where, http_app, name="MCP")


def _next_port(port: int) -> int:
    """The one after it; any that is free when any was asked for. ConfigError: there is none."""
    if port == MOST_PORT:
        raise ConfigError(f"there is no port after {port}, which is REST's; give one with --port")
    return port + 1 if port else 0


def serve_face(
    town: Town, where: Place, make: Callable[[Parts], ASGIApp], *, name: str, has_dispatcher: bool = False
) -> None:
    """Serve an application behind the gate until told to stop.

    Args:
        town: which.
        where: to listen.
        make: the application, of the parts that a server has.
        name: for the line that says where it listens.
        has_dispatcher: whether one runs beside it.

    Raises:
        ConfigError: as `serve_rest`.
    """
    settings = town.settings.townhall
    check_access(settings, where)
    tls = tls_context(settings, town.root)
    listener = where.listen()
    with ExitStack() as stack:
        stack.enter_context(listener.socket)
        configure_server_logs()
        have_store(town)
        parts = stack.enter_context(_parts(town, where))
        if has_dispatcher:
            stack.enter_context(Dispatching(town).running())
        serving = Serving(
            app=guarded(make(parts), parts.gate),
            listener=listener,
            tls=tls,
            stopping=parts.gate.stopping,
            connections=_connections(parts.gate.settings),
            grace_secs=settings.request_timeout_ms / 1000,
        )
        serve(serving, lambda: click.echo(f"🏛️  {name} of {town.settings.town.name}: {serving.url}"))


def _connections(settings: Callable[[], TownhallSettings]) -> Callable[[], Limits]:
    """The limits of now; more than at the start may be too many for the process."""
    most = room_for(settings().max_connections)

    def now() -> Limits:
        found = settings()
        return Limits(total=min(found.max_connections, most), each=found.max_connections_per_address)

    return now


def _address(settings: TownhallSettings, bind: str | None, port: int | None) -> tuple[str, int]:
    """Flags win."""
    return settings.bind if bind is None else bind, settings.rest_port if port is None else port


@contextmanager
def _parts(town: Town, where: Place) -> Iterator[Parts]:
    now = LiveTownhall(town.settings.townhall, town.live_settings.now)
    with (
        closing(town_pool(town)) as towns,
        gate_of(town, now, bound=where.host, stopping=asyncio.Event()) as gate,
    ):
        yield Parts(town=town, towns=towns, gate=gate)


def check_access(settings: TownhallSettings, where: Place) -> None:
    """ConfigError: others would reach it without being asked who they are, or nobody could get in."""
    check_settings(settings.auth)
    if any(not normal(origin) for origin in settings.cors.allowed_origins):
        raise ConfigError(
            "allowed_origins of [townhall.cors] must be origins, each by name, such as https://board.example"
        )
    if settings.auth.mode == "none" and not where.is_loopback:
        raise ConfigError(
            f"refusing to listen on {where.host}, which other machines reach, without authentication; set mode under"
            ' [townhall.auth] to "api_key" (tt auth gen-key makes a key) or "oidc", or bind 127.0.0.1'
        )
