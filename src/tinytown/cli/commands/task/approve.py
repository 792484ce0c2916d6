"""`tt task approve`."""

from __future__ import annotations

import click

from tinytown.cli.reported import show_report
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.text import read_text


@click.command()
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("--comment", metavar="TEXT", default="", help="What is to be said of it; - reads standard input.")
@json_option
@pass_session
def approve(session: Session, /, *, task_id: str | None, comment: str, as_json: bool) -> None:
    """Approve what a review task is about."""
    show_report(session, session.town.tasks.approve(task_id, read_text(comment)), as_json=as_json)
