"""`tt task current`."""

from __future__ import annotations

import click

from tinytown.cli.commands.task.show import show_task
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@json_option
@pass_session
def current(session: Session, /, *, as_json: bool) -> None:
    """Show the task of the agent that calls."""
    show_task(session, None, as_json=as_json)
