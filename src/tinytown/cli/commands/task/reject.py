"""`tt task reject`."""

from __future__ import annotations

import click

from tinytown.cli.reported import show_report
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.text import read_text


@click.command()
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("--reason", metavar="TEXT", required=True, help="What must change; - reads standard input.")
@json_option
@pass_session
def reject(session: Session, /, *, task_id: str | None, reason: str, as_json: bool) -> None:
    """Reject what a review task is about."""
    show_report(session, session.town.tasks.reject(task_id, read_text(reason)), as_json=as_json)
