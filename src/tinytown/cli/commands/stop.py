"""`tt stop`."""

from __future__ import annotations

import click

from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.errors import ConflictError
from tinytown.services.shutdown import Stopped


@click.command()
@json_option
@pass_session
def stop(session: Session, /, *, as_json: bool) -> None:
    """Stop all of the town that runs on this machine: agents, host, server.

    Nothing is lost: agents, missions and messages wait, and the next command that needs them starts things again.
    """
    town = session.town
    if town.caller.agent_id is not None:
        raise ConflictError("an agent cannot stop the town it works for; ask the conductor: tt send conductor TEXT")
    stopped = town.shutdown().run()
    if as_json:
        session.show_json(_record(stopped))
    else:
        session.show(_lines(stopped, town.redis_url, has_own_server=town.settings.redis.url is None))


def _lines(stopped: Stopped, redis_url: str, *, has_own_server: bool) -> list[str]:
    lines = [f"dispatcher: stopped (pid {pid})" for pid in stopped.dispatchers]
    if stopped.host is not None:
        lines += ["agents: stopped; they go on when a host starts again", f"host: stopped (pid {stopped.host})"]
    elif stopped.leftovers:
        lines.append(f"agents: what a dead host had left is stopped (processes: {stopped.leftovers})")
    else:
        lines.append("agents, host: none ran")
    if not has_own_server:
        return [*lines, f"server: {redis_url} is not this town's own; left running"]
    return [*lines, "server: stopped" if stopped.had_server else "server: did not run"]


def _record(stopped: Stopped) -> dict[str, object]:
    return {
        "dispatchers": list(stopped.dispatchers),
        "host": stopped.host,
        "leftovers": stopped.leftovers,
        "server": stopped.had_server,
    }
