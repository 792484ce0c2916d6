"""`tt mission run`."""

from __future__ import annotations

from typing import Any

import click

from tinytown.cli.board import follow
from tinytown.cli.logs import configure_logs
from tinytown.cli.render.missions import started_lines
from tinytown.cli.session import Session, pass_session
from tinytown.cli.starting import Wishes, start_mission, start_options


@click.command()
@start_options
@pass_session
def run(session: Session, /, **wishes: Any) -> int:
    """Start a mission, dispatch it and show its progress until it ends."""
    configure_logs(is_quiet=True)
    started = start_mission(session.town, Wishes(**wishes))
    session.show(started_lines(started))
    return follow(session, started.mission.id)
