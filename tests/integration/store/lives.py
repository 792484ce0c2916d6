"""Agents in the middle of something, and how they are stopped."""

from __future__ import annotations

from tests.integration.store.stores import NOW, Stores, make_spec

from tinytown.domain.agent import AgentState
from tinytown.store.hosts import HostLease

WHY = "because"


def at_work(town: Stores) -> tuple[str, HostLease, str]:
    """An agent in the middle of a person's task: its id, its host and the task."""
    agent = town.agent("backend")
    lease = town.host()
    spec = make_spec()
    town.tasks.assign(spec, agent, NOW)
    town.claim(lease, agent)
    return agent, lease, spec.id


def kill(town: Stores, agent: str, *, is_forced: bool = False) -> AgentState:
    return town.agents.kill(agent, NOW, WHY, is_forced=is_forced)
