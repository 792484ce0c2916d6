"""`tt backlog assign-all`."""

from __future__ import annotations

import click

from tinytown.cli.render.tasks import task_table
from tinytown.cli.render.text import count
from tinytown.cli.session import Session, json_option, pass_session


@click.command("assign-all")
@click.argument("agent")
@json_option
@pass_session
def assign_all(session: Session, /, *, agent: str, as_json: bool) -> None:
    """Hand the whole backlog to an agent, the oldest task first."""
    town = session.town
    owner, tasks = town.backlog.assign_all(agent)
    town.ensure_host()
    if as_json:
        session.show_json({"assigned": len(tasks), "tasks": [task.id for task in tasks], "agent_name": owner.name})
    else:
        rows = task_table(((task, owner) for task in tasks), "the backlog was empty")
        session.show([f"📨 {count(len(tasks), 'task')} for {owner.name} ({owner.state.value})", *rows])
