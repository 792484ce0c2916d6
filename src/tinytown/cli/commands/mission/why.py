"""`tt mission why`."""

from __future__ import annotations

import click

from tinytown.cli.render.mission_record import why_record
from tinytown.cli.render.missions import why_lines
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.argument("item")
@click.option("--run", metavar="ID", help="Which mission; not needed when only one has the item.")
@json_option
@pass_session
def why(session: Session, /, *, item: str, run: str | None, as_json: bool) -> None:
    """Say why an item is where it is, and what happened to it."""
    town = session.town
    found = town.missions.why(town.missions.find_with_item(item, run), item)
    if as_json:
        session.show_json(why_record(found))
    else:
        session.show(why_lines(found, {agent.id: agent for agent in town.agents.all()}))
