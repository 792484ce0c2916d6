"""`tt inbox`."""

from __future__ import annotations

import click

from tinytown.cli.render.messages import inbox_lines, inbox_record
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.argument("name", required=False)
@click.option("--take", is_flag=True, help="Remove the messages; only the conductor's, agents' end with their runs.")
@json_option
@pass_session
def inbox(session: Session, /, *, name: str | None, take: bool, as_json: bool) -> None:
    """Show the messages that wait: an agent sees its own, you see the conductor's."""
    town = session.town
    owner = name or town.messages.own()
    found = town.messages.take(owner) if take else town.messages.waiting(owner)
    if as_json:
        session.show_json(inbox_record(owner, found))
    else:
        session.show(inbox_lines(owner, found, town.clock()))
