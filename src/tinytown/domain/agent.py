"""Agents: named workers, each a coding CLI run by a host."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from tinytown.domain.lifecycle import Lifecycle

REVIEWER_ROLE = "reviewer"
WORKER_ROLE = "worker"
"""The generic role: takes whatever no specialist takes."""
GENERIC_ROLES = frozenset({WORKER_ROLE, "agent", "general", "generalist"})
"""Roles that say nothing."""


class AgentState(Enum):
    """What an agent is doing."""

    STARTING = "starting"
    """Registered; no host has taken it yet."""
    IDLE = "idle"
    """Hosted and free."""
    WORKING = "working"
    """A run is under way."""
    PAUSED = "paused"
    """Told to take nothing new, or waiting out a rate limit."""
    DRAINING = "draining"
    """Finishes its run, then stops; one that was closed does first what was in its inbox."""
    COLD = "cold"
    """Its host is gone; it comes back when a host on its machine starts."""
    STOPPED = "stopped"
    """Stopped on purpose."""
    ERROR = "error"
    """Its CLI cannot be run."""

    @property
    def phrase(self) -> str:
        """What follows "is" in a sentence about an agent."""
        return "in error" if self is AgentState.ERROR else str(self.value)


AGENT_LIFECYCLE = Lifecycle(
    "the agent",
    AgentState.STARTING,
    {
        AgentState.STARTING: (
            AgentState.IDLE,
            AgentState.PAUSED,
            AgentState.DRAINING,
            AgentState.COLD,
            AgentState.STOPPED,
            AgentState.ERROR,
        ),
        AgentState.IDLE: (
            AgentState.WORKING,
            AgentState.PAUSED,
            AgentState.DRAINING,
            AgentState.COLD,
            AgentState.STOPPED,
            AgentState.ERROR,
        ),
        AgentState.WORKING: (
            AgentState.IDLE,
            AgentState.PAUSED,
            AgentState.DRAINING,
            AgentState.COLD,
            AgentState.STOPPED,
            AgentState.ERROR,
        ),
        AgentState.PAUSED: (
            AgentState.STARTING,
            AgentState.IDLE,
            AgentState.WORKING,
            AgentState.DRAINING,
            AgentState.COLD,
            AgentState.STOPPED,
            AgentState.ERROR,
        ),
        AgentState.DRAINING: (AgentState.STOPPED, AgentState.PAUSED, AgentState.COLD, AgentState.ERROR),
        AgentState.COLD: (
            AgentState.STARTING,
            AgentState.IDLE,
            AgentState.PAUSED,
            AgentState.DRAINING,
            AgentState.STOPPED,
            AgentState.ERROR,
        ),
        AgentState.STOPPED: (AgentState.STARTING,),
        AgentState.ERROR: (AgentState.STARTING, AgentState.STOPPED),
    },
)

GONE = frozenset({AgentState.STOPPED, AgentState.ERROR})
"""States in which it will not come back by itself."""


class AgentSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What does not change about an agent."""

    id: str
    name: str
    cli: str
    role: str
    """What it is good at; `reviewer` is kept free for review gates, `worker` is generic."""
    nickname: str | None = None
    parent: str | None = None
    """Name of the agent that spawned it."""
    max_rounds: int | None = None
    """Runs after which it stops by itself."""
    machine: str = ""
    """The machine (and town folder) whose host runs it."""
    created_at: datetime


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as it stands."""

    spec: AgentSpec
    state: AgentState
    since: datetime
    """When it entered its state."""
    rounds_completed: int = 0
    tasks_completed: int = 0
    host_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    """The task of the run under way."""
    paused_until: datetime | None = None
    """When a rate limit ends; None while it is paused until somebody resumes it."""
    is_interrupted: bool = False
    """Whether a person paused it: it stays so until it is resumed, whatever becomes of its host."""
    closing: int | None = None
    """It was closed: what came into inboxes after this number is not begun any more."""
    starts: int = 0
    """How often it was restarted."""
    reason: str = ""
    """Why it is paused, cold, stopped or in error."""
    last_output_at: datetime | None = None
    """When its CLI last printed something."""
    open_tasks: int = 0
    """Tasks given to it that are not finished; derived from its index."""
    inbox_len: int = 0
    urgent_len: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    @property
    def id(self) -> str:
        """Its id."""
        return self.spec.id

    @property
    def name(self) -> str:
        """Its name, unique in the town."""
        return self.spec.name
