"""`tt task show`."""

from __future__ import annotations

import click

from tinytown.cli.render.tasks import task_lines, task_record
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.argument("task_id", metavar="[ID]", required=False)
@json_option
@pass_session
def show(session: Session, /, *, task_id: str | None, as_json: bool) -> None:
    """Show a task."""
    show_task(session, task_id, as_json=as_json)


def show_task(session: Session, task_id: str | None, *, as_json: bool) -> None:
    """Show a task, with the name of the agent that has it."""
    task = session.town.tasks.find(task_id)
    names = {agent.id: agent.name for agent in session.town.agents.all()}
    agent = names.get(task.agent_id or "")
    if as_json:
        session.show_json(task_record(task, agent))
    else:
        session.show(task_lines(task, agent))
