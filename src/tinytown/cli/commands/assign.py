"""`tt assign`."""

from __future__ import annotations

import click

from tinytown.cli.render.text import plain
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.text import read_text
from tinytown.domain.ids import short


@click.command()
@click.argument("agent")
@click.argument("text")
@click.option("--urgent", is_flag=True, help="Before everything else that waits.")
@json_option
@pass_session
def assign(session: Session, /, *, agent: str, text: str, urgent: bool, as_json: bool) -> None:
    """Give an agent a task in your own words; - reads them from standard input."""
    town = session.town
    task = town.tasks.assign(agent, read_text(text), is_urgent=urgent)
    town.ensure_host()
    owner = town.agents.find(agent)
    if as_json:
        session.show_json({"task_id": task.id, "agent_id": owner.id, "agent_name": owner.name})
    else:
        session.show([f"📨 Task {short(task.id)} for {owner.name} ({owner.state.value}): {plain(task.spec.title)}"])
        session.show([f"   its result: tt task show {short(task.id)}"])
