"""`tt mission start`."""

from __future__ import annotations

from typing import Any

import click

from tinytown.cli.render.mission_record import started_record
from tinytown.cli.render.missions import started_lines
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.starting import Wishes, start_mission, start_options


@click.command()
@start_options
@json_option
@pass_session
def start(session: Session, /, *, as_json: bool, **wishes: Any) -> None:
    """Start a mission from issues and documents."""
    town = session.town
    started = start_mission(town, Wishes(**wishes))
    if as_json:
        session.show_json(started_record(started))
        return
    session.show(started_lines(started))
    if not town.agents.all():
        session.show(["next: tt spawn NAME (there are no agents yet)"])
    if any(dispatcher.is_alive for dispatcher in town.insights.dispatchers()):
        session.show(["a dispatcher runs and takes it on; look: tt mission status --work"])
    else:
        session.show(["next: tt mission dispatch"])
