"""The town."""

from __future__ import annotations

from pydantic import BaseModel

from tinytown.townhall.schemas.agents import AgentInfo


class TownInfo(BaseModel):
    """The town."""

    name: str
    root: str
    redis_url: str


class TownStatus(TownInfo):
    """The town with its agents."""

    agent_count: int
    agents: list[AgentInfo]
