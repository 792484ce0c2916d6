"""The town."""

from __future__ import annotations

from tinytown.schemas.agents import AgentInfo
from tinytown.schemas.base import ContractAnswer


class TownInfo(ContractAnswer):
    """The town."""

    name: str
    root: str
    redis_url: str


class TownStatus(TownInfo):
    """The town with its agents."""

    agent_count: int
    agents: list[AgentInfo]
    next_cursor: str | None = None
