"""`tt backlog claim`."""

from __future__ import annotations

import click

from tinytown.cli.render.text import plain
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.ids import short


@click.command()
@click.argument("task_id", metavar="ID")
@click.argument("agent", required=False)
@json_option
@pass_session
def claim(session: Session, /, *, task_id: str, agent: str | None, as_json: bool) -> None:
    """Hand a task to AGENT; an agent that calls claims it for itself, and begins it when its run has ended."""
    town = session.town
    task, owner = town.backlog.claim(task_id, agent)
    town.ensure_host()
    if as_json:
        session.show_json({"task_id": task.id, "agent_id": owner.id, "agent_name": owner.name})
    else:
        title = plain(task.spec.title)
        session.show([f"📨 Task {short(task.id)} for {owner.name} ({owner.state.value}): {title}"])
