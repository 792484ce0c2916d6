"""`tt mission plan`."""

from __future__ import annotations

from typing import Any

import click

from tinytown.cli.render.plan import plan_lines, plan_record
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.starting import Wishes, plan_options, preview_mission


@click.command()
@plan_options
@json_option
@pass_session
def plan(session: Session, /, *, as_json: bool, **wishes: Any) -> None:
    """Show what a mission would do, without starting anything."""
    found = preview_mission(session.town, Wishes(**wishes))
    if as_json:
        session.show_json(plan_record(found))
    else:
        session.show(plan_lines(found))
