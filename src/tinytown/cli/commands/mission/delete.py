"""`tt mission delete`."""

from __future__ import annotations

import click

from tinytown.cli.render.deletion import deleted_lines
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.argument("run")
@click.option("--force", is_flag=True, help="Also one that is active; what agents are at is taken back.")
@json_option
@pass_session
def delete(session: Session, /, *, run: str, force: bool, as_json: bool) -> None:
    """End a mission for good, with its record; its issues are free, branches that are not merged stay."""
    town = session.town
    deleted = town.deletion.delete(town.missions.find(run), is_forced=force)
    if as_json:
        session.show_json(
            {
                "mission_id": deleted.mission_id,
                "deleted": True,
                "cancelled_tasks": deleted.cancelled,
                "kept": deleted.kept,
            }
        )
    else:
        session.show(deleted_lines(deleted))
