"""`tt task complete`."""

from __future__ import annotations

import click

from tinytown.cli.reported import show_report
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.text import read_text


@click.command()
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("--result", metavar="TEXT", default="", help="What was done; - reads standard input.")
@json_option
@pass_session
def complete(session: Session, /, *, task_id: str | None, result: str, as_json: bool) -> None:
    """Report a task as done."""
    show_report(session, session.town.tasks.complete(task_id, read_text(result)), as_json=as_json)
