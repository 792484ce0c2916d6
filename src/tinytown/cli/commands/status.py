"""`tt status`."""

from __future__ import annotations

import click

from tinytown.cli.render.town import town_lines, town_record
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.option("--deep", is_flag=True, help="Also ids, tokens, cost and the last events.")
@click.option("--tasks", is_flag=True, help="Also the open tasks.")
@json_option
@pass_session
def status(session: Session, /, *, deep: bool, tasks: bool, as_json: bool) -> None:
    """Show what goes on in the town."""
    found = session.town.insights.town(with_tasks=tasks, with_events=deep)
    if as_json:
        session.show_json(town_record(found, with_tasks=tasks))
    else:
        session.show(town_lines(found, is_deep=deep, with_tasks=tasks))
