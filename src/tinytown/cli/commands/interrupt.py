"""`tt interrupt`."""

from __future__ import annotations

import click

from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.agent import AgentState


@click.command()
@click.argument("name")
@json_option
@pass_session
def interrupt(session: Session, /, *, name: str, as_json: bool) -> None:
    """Stop what an agent is at, and pause it.

    Its message and task stay its own, its worktree as it is; it begins anew when it is resumed.
    """
    agents = session.town.agents
    agent = agents.find(name)
    state = agents.interrupt(name)
    if as_json:
        session.show_json({"status": state.value, "agent": agent.name})
        return
    what = "is paused" if state is AgentState.PAUSED else f"is {state.value} and will be paused when its host is back"
    also = "; the run under way is stopped" if agent.run_id is not None else ""
    session.show([f"⏸️  {agent.name} {what}{also}", f"   let it go on: tt resume {agent.name}"])
