"""Bodies as the Townhall API v1 names them."""

from __future__ import annotations

from pydantic import BaseModel


class Health(BaseModel):
    """Liveness."""

    status: str
    uptime_secs: int


class Ready(BaseModel):
    """Readiness."""

    status: str
    redis: str
    redis_latency_ms: float | None = None
    dispatcher: str
    town: str
    detail: str | None = None


class TownInfo(BaseModel):
    """The town."""

    name: str
    root: str
    redis_url: str


class AgentInfo(BaseModel):
    """One agent."""

    id: str
    name: str
    cli: str
    role: str
    state: str
    rounds_completed: int
    tasks_completed: int
    inbox_len: int
    urgent_len: int


class TownStatus(TownInfo):
    """The town with its agents."""

    agent_count: int
    agents: list[AgentInfo]
