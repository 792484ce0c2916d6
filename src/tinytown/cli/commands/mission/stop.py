"""`tt mission stop`."""

from __future__ import annotations

import click

from tinytown.cli.directed import direct
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.argument("run", required=False)
@click.option("--force", is_flag=True, help="Also take back what agents are at; commits they made stay.")
@json_option
@pass_session
def stop(session: Session, /, *, run: str | None, force: bool, as_json: bool) -> None:
    """Start nothing new in a mission until it is resumed; what runs may finish."""

    def act(mission_id: str) -> str:
        session.town.missions.stop(mission_id, is_forced=force)
        return "stopped, what ran was taken back" if force else "stopped, what runs may finish"

    direct(session, run, act, as_json=as_json)
