"""`tt github webhook`."""

from __future__ import annotations

import ipaddress
import threading

import click

from tinytown.cli.interruption import Interruption
from tinytown.cli.logs import configure_logs
from tinytown.cli.receiver import Receiver
from tinytown.cli.session import Session, pass_session
from tinytown.config import TOWN_FILE
from tinytown.domain.errors import ConfigError, InvalidInputError


@click.command()
@click.option("--bind", metavar="HOST", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0: any that is free.")
@click.option("--path", metavar="PATH", default="/webhook", show_default=True, help="Path of the URL.")
@pass_session
def webhook(session: Session, /, *, bind: str, port: int, path: str) -> None:
    """Receive GitHub's webhooks until Ctrl-C, so that what happens there is looked at within moments.

    Only a help: without it, everything is noticed in the usual interval. It speaks plain HTTP: have a proxy or a tunnel
    with https in front of it. Says what to set up when there is no secret yet.
    """
    if not path.startswith("/") or not path.isprintable() or set(path) & set("?# "):
        raise InvalidInputError(f"'{path}' is not the path of a URL; it begins with /, as in /webhook")
    town = session.town
    if town.settings.forge.kind != "github":
        raise ConfigError(f'{town.root / TOWN_FILE}: only a town with kind = "github" under [forge] has webhooks')
    configure_logs()
    interruption = Interruption()
    with (
        interruption.listen(),
        town.deliveries() as deliveries,
        Receiver(bind, port, path, deliveries.take).running() as receiver,
    ):
        session.warn([f"🪝 Listening on {receiver.url}; Ctrl-C ends it", *_advice(bind)])
        with interruption:
            threading.Event().wait()
    session.warn(["the receiver has ended; pull requests are looked at in the usual interval"])


def _advice(bind: str) -> list[str]:
    """What to think of when others can reach it."""
    try:
        is_ours = ipaddress.ip_address(bind).is_loopback
    except ValueError:
        is_ours = bind == "localhost"
    return [] if is_ours else ["   it speaks plain HTTP; let only a proxy with https reach it"]
