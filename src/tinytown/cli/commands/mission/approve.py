"""`tt mission approve`."""

from __future__ import annotations

import click

from tinytown.cli.commands.mission.reject import show_item
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.text import read_text


@click.command()
@click.argument("item")
@click.option("--comment", metavar="TEXT", default="", help="What is to be said of it; - reads standard input.")
@click.option("--run", metavar="ID", help="Which mission; not needed when only one has the item.")
@json_option
@pass_session
def approve(session: Session, /, *, item: str, comment: str, run: str | None, as_json: bool) -> None:
    """Accept an item by hand, as its reviewer would."""
    missions = session.town.missions
    found = missions.approve(missions.find_with_item(item, run), item, read_text(comment))
    show_item(session, found, "approved", as_json=as_json)
