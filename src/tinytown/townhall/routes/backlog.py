"""The backlog."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from tinytown.domain.errors import InvalidInputError, NotFoundError
from tinytown.domain.task import Task
from tinytown.schemas.backlog import (
    AddBacklogRequest,
    AddBacklogResponse,
    AssignAllRequest,
    AssignAllResponse,
    BacklogItem,
    BacklogList,
    ClaimRequest,
    ClaimResponse,
    RemoveBacklogResponse,
)
from tinytown.schemas.tasks import description_of
from tinytown.services.backlog import Backlog
from tinytown.townhall.context import READ, WRITE, LentTown
from tinytown.townhall.paging import MAX_LIMIT, Paging, paging
from tinytown.townhall.parameters import TaskPath

router = APIRouter(prefix="/v1/backlog", tags=["Backlog"])


@router.get("", summary="List backlog tasks", operation_id="listBacklog", dependencies=[READ])
def tasks(town: LentTown, page: Annotated[Paging, Depends(paging("backlog"))]) -> BacklogList:
    """What nobody has yet, the oldest first."""
    found = _behind(town.backlog, page)
    shown = found[: page.limit]
    is_last = len(found) < min(page.limit + 1, MAX_LIMIT)
    return BacklogList(
        backlog=[BacklogItem.of(task) for task in shown],
        count=len(shown),
        next_cursor=None if is_last else page.cursor_at((shown[-1].id,)),
    )


@router.post("", summary="Add task to backlog", operation_id="addToBacklog", status_code=201, dependencies=[WRITE])
def add(town: LentTown, body: AddBacklogRequest) -> AddBacklogResponse:
    """Keep a task for whoever has time; an idle agent that fits takes it."""
    task = town.backlog.add(body.description, body.tags)
    town.ensure_host()
    return AddBacklogResponse(task_id=task.id, description=description_of(task))


@router.post("/assign-all", summary="Assign all backlog tasks", operation_id="assignAllBacklog", dependencies=[WRITE])
def assign_all(town: LentTown, body: AssignAllRequest) -> AssignAllResponse:
    """Hand the whole backlog to one agent."""
    agent, given = town.backlog.assign_all(body.agent)
    town.ensure_host()
    return AssignAllResponse(
        assigned=len(given), tasks=[task.id for task in given], agent_id=agent.id, agent_name=agent.name
    )


@router.post("/{task_id}/claim", summary="Claim a backlog task", operation_id="claimBacklogTask", dependencies=[WRITE])
def claim(town: LentTown, task_id: TaskPath, body: ClaimRequest) -> ClaimResponse:
    """Hand a task to an agent: to one, however many ask at once."""
    task, agent = town.backlog.claim(task_id, body.agent)
    town.ensure_host()
    return ClaimResponse(task_id=task.id, agent_id=agent.id, agent_name=agent.name)


@router.delete("/{task_id}", summary="Remove a backlog task", operation_id="removeBacklogTask", dependencies=[WRITE])
def remove(town: LentTown, task_id: TaskPath) -> RemoveBacklogResponse:
    """Cancel a task that nobody has yet."""
    return RemoveBacklogResponse(removed=True, task_id=town.backlog.remove(task_id).id)


def _behind(backlog: Backlog, page: Paging) -> list[Task]:
    """What the page shows, and one more when it may be asked for: that tells whether there is another page."""
    after = None if page.after is None else str(page.after[0])
    try:
        return backlog.list(min(page.limit + 1, MAX_LIMIT), after)
    except NotFoundError as error:
        said = "the cursor leads nowhere any more; leave it out to begin anew"
        raise InvalidInputError(said, field="query.cursor") from error
