"""`tt reclaim`."""

from __future__ import annotations

import click

from tinytown.cli.render.agent_life import reclaimed_lines, reclaimed_record
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.option("--to-backlog", is_flag=True, help="Tasks go to the backlog, messages to your inbox.")
@click.option("--to", metavar="AGENT", help="Tasks and messages go to this agent.")
@click.option("--from", "source", metavar="AGENT", help="Only this agent's, also when it is there: what it is not at.")
@json_option
@pass_session
def reclaim(session: Session, /, *, to_backlog: bool, to: str | None, source: str | None, as_json: bool) -> None:
    """Take unfinished work from agents that are stopped, in error or cold.

    Tasks of missions always go back to their missions, which give them out anew. Without a destination it only shows
    what there is.
    """
    if to_backlog and to is not None:
        raise click.UsageError("--to-backlog and --to exclude each other")
    reclaimed = session.town.recovery.reclaim(to_backlog=to_backlog, to=to, source=source)
    if as_json:
        session.show_json(reclaimed_record(reclaimed))
    else:
        session.show(reclaimed_lines(reclaimed, source))
