"""`tt logs`."""

from __future__ import annotations

import click

from tinytown.cli.session import Session, pass_session
from tinytown.cli.tail import Tail, show, show_until_interrupted
from tinytown.runtime.workshop import log_file


@click.command()
@click.argument("agent")
@click.option("-f", "--follow", is_flag=True, help="Go on showing what comes, until Ctrl-C.")
@click.option("-n", "--lines", type=click.IntRange(min=0), default=50, show_default=True, help="How many lines.")
@pass_session
def logs(session: Session, /, *, agent: str, follow: bool, lines: int) -> None:
    """Show what an agent's CLI printed."""
    town = session.town
    name = town.agents.find(agent).name
    path = log_file(town.agent_logs, name)
    tail = Tail(path)
    if follow:
        show_until_interrupted(tail, lines)
        return
    show(tail.last(lines))
    if not path.exists():
        session.warn([f"{name} has not printed anything yet"])
