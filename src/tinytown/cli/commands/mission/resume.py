"""`tt mission resume`."""

from __future__ import annotations

import click

from tinytown.cli.directed import direct
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.argument("run", required=False)
@json_option
@pass_session
def resume(session: Session, /, *, run: str | None, as_json: bool) -> None:
    """Go on with a mission that was stopped or is blocked."""

    def act(mission_id: str) -> str:
        session.town.missions.resume(mission_id)
        return "resumed"

    direct(session, run, act, as_json=as_json)
