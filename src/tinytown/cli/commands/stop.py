"""`tt stop`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from tinytown.cli.session import Session, json_option, pass_session
from tinytown.config import find_any_root, load_settings
from tinytown.domain.errors import ConfigError, ConflictError, ProblemsError, TinytownError
from tinytown.services.caller import Caller
from tinytown.services.shutdown import Shutdown, Stopped
from tinytown.store.address import redacted
from tinytown.store.connection import connect

_PATIENCE_SECS = 2.0


class _Store(msgspec.Struct, frozen=True):
    """What is known of where the town's data is."""

    foreign_url: str | None = None
    """The server's that is not the town's own, without user name and password."""
    note: str | None = None
    """What could not be done because of it."""


@click.command()
@json_option
@pass_session
def stop(session: Session, /, *, as_json: bool) -> None:
    """Stop all of the town that runs on this machine: agents, host, server.

    Nothing is lost: agents, missions and messages wait, and the next command that needs them starts things again.

    Works from the town's .tt folder alone, so also with broken settings or without a Redis server that answers.
    """
    if Caller.of(session.environ).is_agent:
        raise ConflictError("an agent cannot stop the town it works for; ask the conductor: tt send conductor TEXT")
    root = find_any_root(Path.cwd(), session.environ, session.folder)
    stopped = Shutdown(root).run()
    store = _store(root, session.environ)
    if as_json:
        session.show_json(_record(stopped, store))
    else:
        session.show(_lines(stopped, store))
    if store.note is not None:
        session.warn([f"note: {store.note}"])
    if stopped.problems:
        raise ProblemsError(stopped.problems)


def _store(root: Path, environ: Mapping[str, str]) -> _Store:
    try:
        url = load_settings(root, environ=environ).redis.url
    except ConfigError as error:
        return _Store(note=f"{error.message}; what .tt says runs here was stopped all the same")
    if url is None:
        return _Store()
    try:
        connect(url, timeout_secs=_PATIENCE_SECS).close()
    except TinytownError:
        shown = redacted(url)
        return _Store(
            shown, f"the store at {shown} could not be reached: it still lists what ran here, until it is back"
        )
    return _Store(redacted(url))


def _lines(stopped: Stopped, store: _Store) -> list[str]:
    lines = [f"dispatcher: stopped (pid {pid})" for pid in stopped.dispatchers]
    if stopped.host is not None:
        lines += ["agents: stopped; they go on when a host starts again", f"host: stopped (pid {stopped.host})"]
    elif stopped.leftovers:
        lines.append(f"agents: what a dead host had left is stopped (processes: {stopped.leftovers})")
    elif not stopped.problems:
        lines.append("agents, host: none ran")
    return [*lines, f"server: {_server(stopped, store)}"]


def _server(stopped: Stopped, store: _Store) -> str:
    if stopped.had_server:
        return "stopped"
    if stopped.problems:
        return "left alone, for what still runs"
    return f"{store.foreign_url} is not this town's own; left alone" if store.foreign_url else "did not run"


def _record(stopped: Stopped, store: _Store) -> dict[str, object]:
    return {
        "dispatchers": list(stopped.dispatchers),
        "host": stopped.host,
        "leftovers": stopped.leftovers,
        "server": stopped.had_server,
        "problems": list(stopped.problems),
        "note": store.note,
    }
