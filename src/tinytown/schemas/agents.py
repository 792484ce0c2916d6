"""Agents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from tinytown.domain.agent import Agent, AgentState
from tinytown.domain.ids import NAME_LIMIT
from tinytown.schemas.base import LEFT_OUT, PRINTED_LINE, Answer, ContractAnswer, Line, Name, Request
from tinytown.services.agent_life import Pruned

PublicState: TypeAlias = Literal["Idle", "Working", "Starting", "Stopped", "Error"]
DetailState: TypeAlias = Literal["starting", "idle", "working", "paused", "draining", "cold", "stopped", "error"]

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
MAX_ROUNDS = 1_000_000
Nickname: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LIMIT), PRINTED_LINE]


class AgentDetails(Answer):
    """More about an agent."""

    nickname: str | None
    parent: str | None
    """Name of the agent that spawned it."""
    created_at: datetime
    since: datetime = Field(description="When it entered its state.")
    task_id: UUID | None = Field(description="The task of the run under way.")
    paused_until: datetime | None
    reason: str = Field(description="Why it is paused, cold, stopped or in error.")
    last_output_at: datetime | None = Field(description="When its CLI last printed something.")
    open_tasks: int
    max_rounds: int | None
    tokens: int
    cost_usd: float

    @classmethod
    def of(cls, agent: Agent) -> AgentDetails:
        """The rest of an agent."""
        return cls(
            nickname=agent.spec.nickname,
            parent=agent.spec.parent,
            created_at=agent.spec.created_at,
            since=agent.since,
            task_id=None if agent.task_id is None else UUID(agent.task_id),
            paused_until=agent.paused_until,
            reason=agent.reason,
            last_output_at=agent.last_output_at,
            open_tasks=agent.open_tasks,
            max_rounds=agent.spec.max_rounds,
            tokens=agent.tokens,
            cost_usd=agent.cost_usd,
        )


class AgentInfo(ContractAnswer):
    """One agent."""

    id: UUID
    name: str
    cli: str
    role: str
    state: PublicState
    detail_state: DetailState = Field(description="The state as the town has it, which knows more of them.")
    rounds_completed: int
    tasks_completed: int
    inbox_len: int
    urgent_len: int
    details: AgentDetails | None = Field(None, description="Only when they were asked for.")

    @classmethod
    def of(cls, agent: Agent, *, is_deep: bool = False) -> AgentInfo:
        """The agent as the contract shows it, with details when they are wanted."""
        return cls(
            id=UUID(agent.id),
            name=agent.name,
            cli=agent.spec.cli,
            role=agent.spec.role,
            state=_PUBLIC_STATES[agent.state],
            detail_state=agent.state.value,
            rounds_completed=agent.rounds_completed,
            tasks_completed=agent.tasks_completed,
            inbox_len=agent.inbox_len,
            urgent_len=agent.urgent_len,
            details=AgentDetails.of(agent) if is_deep else None,
        )


class AgentList(ContractAnswer):
    """Agents."""

    agents: list[AgentInfo]
    count: int
    next_cursor: str | None = None


class SpawnAgentRequest(Request):
    """An agent to be started."""

    name: Name
    cli: Annotated[Line | None, LEFT_OUT] = Field(None, description="The agent CLI; by default the role's or town's.")
    role: Annotated[Name | None, LEFT_OUT] = Field(None, description="By default what the name says.")
    nickname: Annotated[Nickname | None, LEFT_OUT] = Field(
        None, description="Shown beside its name: letters, digits, spaces and marks of ASCII."
    )
    parent: Annotated[Line | None, LEFT_OUT] = Field(None, description="The agent it works for.")
    max_rounds: Annotated[int | None, LEFT_OUT] = Field(
        None, ge=1, le=MAX_ROUNDS, description="Runs after which it stops by itself."
    )


class SpawnAgentResponse(ContractAnswer):
    """An agent that was started."""

    agent_id: str
    name: str
    cli: str
    role: str


class KillRequest(Request):
    """How an agent is to be stopped."""

    force: bool = Field(default=False, description="At once, without waiting for the end of its run.")


class AgentActionResponse(ContractAnswer):
    """What was done with an agent."""

    status: str = Field(description="The state it is in now.")
    agent: str = Field(description="Its name.")


class RestartRequest(Request):
    """How an agent is to be started anew."""

    force: bool = Field(default=False, description="Also one that is there: its run is stopped first.")


class ResumeResponse(AgentActionResponse):
    """An agent that goes on."""

    limited_until: datetime | None = Field(description="When the rate limit ends that it was paused for.")


class PruneRequest(Request):
    """Which agents leave the roster. Fields that are not known are refused: they might have meant fewer."""

    model_config = ConfigDict(extra="forbid")

    all: bool = Field(
        default=False,
        description="Also those whose host is long gone; unfinished work goes elsewhere, nothing is lost.",
    )


class KeptAgent(Answer):
    """An agent that stays."""

    agent: str
    reason: str


class PruneResponse(ContractAnswer):
    """Who left the roster."""

    removed: int
    agents: list[str] = Field(description="Their names, which are free again.")
    kept: list[KeptAgent]
    moved: int = Field(description="Tasks and messages that went elsewhere.")

    @classmethod
    def of(cls, pruned: Pruned) -> PruneResponse:
        """What pruning did."""
        return cls(
            removed=len(pruned.removed),
            agents=list(pruned.removed),
            kept=[KeptAgent(agent=one.name, reason=one.reason) for one in pruned.kept],
            moved=pruned.moved.total,
        )
