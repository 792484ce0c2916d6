"""`tt backlog remove`."""

from __future__ import annotations

import click

from tinytown.cli.render.text import plain
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.ids import short


@click.command()
@click.argument("task_id", metavar="ID")
@json_option
@pass_session
def remove(session: Session, /, *, task_id: str, as_json: bool) -> None:
    """Cancel a task that nobody has yet."""
    task = session.town.backlog.remove(task_id)
    if as_json:
        session.show_json({"removed": True, "task_id": task.id})
    else:
        session.show([f"🗑️  Task {short(task.id)} is cancelled: {plain(task.spec.title)}"])
