"""`tt kill`."""

from __future__ import annotations

import click

from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.agent import AgentState


@click.command()
@click.argument("name")
@click.option(
    "--force", is_flag=True, help="Do not wait for the end of its run; what it did not commit stays unfinished."
)
@json_option
@pass_session
def kill(session: Session, /, *, name: str, force: bool, as_json: bool) -> None:
    """Stop an agent when its run ends. Its tasks and messages wait."""
    agents = session.town.agents
    agent = agents.find(name)
    state = agents.kill(name, is_forced=force)
    if as_json:
        session.show_json({"status": state.value, "agent": agent.name})
        return
    if state is AgentState.DRAINING:
        session.show([f"🚰 {agent.name} stops when its run ends (at once: tt kill {agent.name} --force)"])
    else:
        session.show([f"🛑 {agent.name} is stopped"])
