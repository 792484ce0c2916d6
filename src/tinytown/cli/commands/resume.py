"""`tt resume`."""

from __future__ import annotations

import click

from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.agent import AgentState


@click.command()
@click.argument("name")
@json_option
@pass_session
def resume(session: Session, /, *, name: str, as_json: bool) -> None:
    """Let a paused agent go on with its inbox, also one that waits for the end of a rate limit."""
    town = session.town
    agent = town.agents.find(name)
    state, until = town.agents.resume(name)
    town.ensure_host()
    if as_json:
        session.show_json({"status": state.value, "agent": agent.name, "limited_until": until})
    elif state is AgentState.STOPPED:
        session.show([f"🛑 {agent.name} had nothing left to do and is stopped"])
    else:
        session.show([f"▶️  {agent.name} goes on ({state.value})"])
    if until is not None:
        session.warn([f"note: its CLI said that it is rate limited until {until:%H:%M:%S} UTC; it may meet that again"])
