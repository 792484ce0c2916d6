"""`tt mission list`."""

from __future__ import annotations

import click

from tinytown.cli.render.missions import mission_table
from tinytown.cli.render.town import mission_record
from tinytown.cli.session import Session, json_option, pass_session


@click.command("list")
@click.option("--all", "is_all", is_flag=True, help="Also those that have ended.")
@json_option
@pass_session
def list_missions(session: Session, /, *, is_all: bool, as_json: bool) -> None:
    """List the missions, newest first."""
    town = session.town
    found = town.insights.missions(is_all=is_all)
    if as_json:
        session.show_json({"missions": [mission_record(mission) for mission in found], "count": len(found)})
    else:
        title = f"🚀 Missions: {len(found)}" if is_all else f"🚀 Active missions: {len(found)}"
        session.show([title, *mission_table(found, town.clock())])
