"""`tt close`."""

from __future__ import annotations

import click

from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.agent import AgentState

_THEN = {
    AgentState.DRAINING: "does what is in its inbox, then stops",
    AgentState.PAUSED: "is paused; when it is resumed it does what is in its inbox, then stops",
    AgentState.COLD: "is cold; when its host is back it does what is in its inbox, then stops",
    AgentState.STARTING: "starts, does what is in its inbox, then stops",
}


@click.command()
@click.argument("name")
@json_option
@pass_session
def close(session: Session, /, *, name: str, as_json: bool) -> None:
    """Let an agent finish what is in its inbox, then stop it. It takes nothing new meanwhile."""
    town = session.town
    agent = town.agents.find(name)
    state = town.agents.close(name)
    town.ensure_host()
    if as_json:
        session.show_json({"status": state.value, "agent": agent.name})
    elif state is AgentState.STOPPED:
        session.show([f"🛑 {agent.name} had nothing to do and is stopped"])
    else:
        session.show([f"🚰 {agent.name} {_THEN[state]}"])
