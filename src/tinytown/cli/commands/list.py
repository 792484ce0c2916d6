"""`tt list`."""

from __future__ import annotations

import click

from tinytown.cli.render.agents import agent_lines, agent_record
from tinytown.cli.session import Session, json_option, pass_session


@click.command("list")
@json_option
@pass_session
def list_agents(session: Session, /, *, as_json: bool) -> None:
    """List the agents."""
    status = session.town.insights.town()
    if as_json:
        records = [agent_record(agent, status.tasks) for agent in status.agents]
        session.show_json({"agents": records, "count": len(records)})
    else:
        session.show([f"👥 Agents: {len(status.agents)}", *agent_lines(status.agents, status.tasks, status.at)])
