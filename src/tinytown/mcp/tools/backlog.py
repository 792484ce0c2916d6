"""The backlog."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tinytown.bootstrap import Town
from tinytown.domain.access import Scope
from tinytown.mcp.arguments import AgentName, Limit, TaskId, Words
from tinytown.mcp.results import Backlog
from tinytown.mcp.tool import Effect, Spec
from tinytown.schemas.backlog import (
    AddBacklogResponse,
    AssignAllResponse,
    BacklogItem,
    ClaimResponse,
    RemoveBacklogResponse,
    Tag,
)
from tinytown.schemas.tasks import description_of
from tinytown.services.backlog import MOST_TAGS


def list_backlog(town: Town, limit: Limit = 100) -> Backlog:
    """List the tasks that nobody has yet, the oldest first."""
    found = town.backlog.list(limit)
    shown = [BacklogItem.of(task) for task in found]
    return Backlog(backlog=shown, count=len(shown), total=max(town.backlog.count(), len(shown)))


def add(
    town: Town,
    description: Annotated[Words, Field(description="What is to be done, with all that an agent must know.")],
    tags: Annotated[
        list[Tag], Field(max_length=MOST_TAGS, description="`role:NAME` says who is to do it; others are shown.")
    ] = [],  # noqa: B006  copied by validation
) -> AddBacklogResponse:
    """Keep a task for whoever has time; an idle agent that fits takes it. For a certain agent, use task.assign."""
    task = town.backlog.add(description, tags)
    town.ensure_host()
    return AddBacklogResponse(task_id=task.id, description=description_of(task))


def claim(town: Town, task_id: TaskId, agent: AgentName) -> ClaimResponse:
    """Hand a task of the backlog to an agent: to exactly one, however many ask at once."""
    task, owner = town.backlog.claim(task_id, agent)
    town.ensure_host()
    return ClaimResponse(task_id=task.id, agent_id=owner.id, agent_name=owner.name)


def assign_all(town: Town, agent: AgentName) -> AssignAllResponse:
    """Hand the whole backlog to one agent."""
    owner, given = town.backlog.assign_all(agent)
    town.ensure_host()
    return AssignAllResponse(
        assigned=len(given), tasks=[task.id for task in given], agent_id=owner.id, agent_name=owner.name
    )


def remove(town: Town, task_id: TaskId) -> RemoveBacklogResponse:
    """Cancel a task that nobody has yet."""
    return RemoveBacklogResponse(removed=True, task_id=town.backlog.remove(task_id).id)


_READ, _WRITE = Scope.TOWN_READ, Scope.TOWN_WRITE

TOOLS = (
    Spec(name="backlog.list", title="List the backlog", does=list_backlog, scope=_READ, has_texts=True),
    Spec(name="backlog.add", title="Add to the backlog", does=add, scope=_WRITE, effect=Effect.ADDS),
    Spec(name="backlog.claim", title="Hand out a task", does=claim, scope=_WRITE, effect=Effect.SETS),
    Spec(name="backlog.assign_all", title="Hand out the backlog", does=assign_all, scope=_WRITE, effect=Effect.SETS),
    Spec(name="backlog.remove", title="Cancel a task", does=remove, scope=_WRITE, effect=Effect.STOPS),
)
