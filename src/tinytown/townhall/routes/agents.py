"""Agents."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from tinytown.domain.agent import Agent
from tinytown.schemas.agents import (
    AgentInfo,
    AgentList,
    SpawnAgentRequest,
    SpawnAgentResponse,
)
from tinytown.townhall.context import MANAGE, READ, LentTown
from tinytown.townhall.paging import Paging, Place, paging
from tinytown.townhall.parameters import AgentPath

router = APIRouter(prefix="/v1/agents", tags=["Agents"])


def place_of(agent: Agent) -> Place:
    """Where it stands in lists: they are in order of name."""
    return (agent.name.lower(), agent.id)


@router.get("", summary="List all agents", operation_id="listAgents", dependencies=[READ])
def all_agents(town: LentTown, page: Annotated[Paging, Depends(paging("agents"))]) -> AgentList:
    """The agents, in order of name."""
    shown, next_cursor = page.cut(town.agents.all(), key=place_of)
    return AgentList(agents=[AgentInfo.of(agent) for agent in shown], count=len(shown), next_cursor=next_cursor)


@router.post("", summary="Spawn a new agent", operation_id="spawnAgent", status_code=201, dependencies=[MANAGE])
def spawn(town: LentTown, body: SpawnAgentRequest) -> SpawnAgentResponse:
    """Start an agent; one of that name that stopped starts anew, with its inbox and its tasks."""
    spec = town.agents.spawn(
        body.name,
        cli=body.cli,
        role=body.role,
        nickname=body.nickname,
        parent=body.parent,
        max_rounds=body.max_rounds,
    )
    return SpawnAgentResponse(agent_id=spec.id, name=spec.name, cli=spec.cli, role=spec.role)


@router.get("/{agent}", summary="Get an agent", operation_id="getAgent", dependencies=[READ])
def one(town: LentTown, agent: AgentPath) -> AgentInfo:
    """One agent with its details."""
    found = town.agents.find(agent)
    known = {one.id: one for one in town.agents.all()}  # with what is counted, such as its inbox
    return AgentInfo.of(known.get(found.id, found), is_deep=True)
