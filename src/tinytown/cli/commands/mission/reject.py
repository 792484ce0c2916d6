"""`tt mission reject`."""

from __future__ import annotations

import click

from tinytown.cli.render.mission_record import item_record
from tinytown.cli.render.missions import item_title
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.text import read_text
from tinytown.domain.workitem import WorkItem


@click.command()
@click.argument("item")
@click.argument("reason")
@click.option("--run", metavar="ID", help="Which mission; not needed when only one has the item.")
@json_option
@pass_session
def reject(session: Session, /, *, item: str, reason: str, run: str | None, as_json: bool) -> None:
    """Send an item back by hand, with the reason; - reads it from standard input."""
    missions = session.town.missions
    found = missions.reject(missions.find_with_item(item, run), item, read_text(reason))
    show_item(session, found, "rejected", as_json=as_json)


def show_item(session: Session, item: WorkItem, verdict: str, *, as_json: bool) -> None:
    """Say what a person's verdict made of an item."""
    if as_json:
        session.show_json({"status": verdict, "work_item": item_record(item)})
    else:
        mark = "👍" if verdict == "approved" else "👎"
        session.show([f"{mark} {item_title(item)} is {verdict}; it is {item.status.value}"])
