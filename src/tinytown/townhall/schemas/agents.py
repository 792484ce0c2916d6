"""Agents."""

from __future__ import annotations

from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel

from tinytown.domain.agent import Agent, AgentState

PublicState: TypeAlias = Literal["Idle", "Working", "Starting", "Stopped", "Error"]

_PUBLIC_STATES: dict[AgentState, PublicState] = {
    AgentState.STARTING: "Starting",
    AgentState.IDLE: "Idle",
    AgentState.WORKING: "Working",
    AgentState.PAUSED: "Idle",
    AgentState.DRAINING: "Working",
    AgentState.COLD: "Stopped",
    AgentState.STOPPED: "Stopped",
    AgentState.ERROR: "Error",
}
"""The contract knows five states; ours has more."""


class AgentInfo(BaseModel):
    """One agent."""

    id: UUID
    name: str
    cli: str
    role: str
    state: PublicState
    rounds_completed: int
    tasks_completed: int
    inbox_len: int
    urgent_len: int

    @classmethod
    def of(cls, agent: Agent) -> AgentInfo:
        """The agent as the contract shows it."""
        return cls(
            id=UUID(agent.id),
            name=agent.name,
            cli=agent.spec.cli,
            role=agent.spec.role,
            state=_PUBLIC_STATES[agent.state],
            rounds_completed=agent.rounds_completed,
            tasks_completed=agent.tasks_completed,
            inbox_len=agent.inbox_len,
            urgent_len=agent.urgent_len,
        )
