"""`tt restart`."""

from __future__ import annotations

import click

from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.agent import AgentState


@click.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Also one that is there: it is stopped first, with its run.")
@json_option
@pass_session
def restart(session: Session, /, *, name: str, force: bool, as_json: bool) -> None:
    """Start an agent anew that is stopped, in error or cold.

    It keeps its id, messages, tasks and settings; its rounds are counted from 0.
    """
    agents = session.town.agents
    agent = agents.find(name)
    state = agents.restart(name, is_forced=force)
    if as_json:
        session.show_json({"status": state.value, "agent": agent.name})
        return
    if state is not AgentState.STARTING:
        session.show([f"🌱 {agent.name} starts anew when its run is stopped"])
    else:
        session.show([f"🌱 {agent.name} starts anew"])
    if not agents.is_of_this_machine(agent):
        session.warn([f"note: {agent.name} belongs to another machine; it starts when there is a host on that one"])
