"""`tt backlog list`."""

from __future__ import annotations

import click

from tinytown.cli.render.backlog import backlog_lines, backlog_record
from tinytown.cli.session import Session, json_option, pass_session


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--after", metavar="ID", help="Only what comes behind this task.")
@json_option
@pass_session
def list_backlog(session: Session, /, *, limit: int, after: str | None, as_json: bool) -> None:
    """List the tasks that nobody has yet, the oldest first."""
    town = session.town
    tasks, count = town.backlog.list(limit, after), town.backlog.count()
    if as_json:
        session.show_json(backlog_record(tasks, count))
    else:
        session.show(backlog_lines(tasks, count, town.clock(), is_part=after is not None))
