"""Tasks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from tinytown.domain.agent import Agent
from tinytown.domain.task import Task
from tinytown.schemas.tasks import (
    AssignTaskRequest,
    AssignTaskResponse,
    CompleteTaskRequest,
    FailTaskRequest,
    PendingTask,
    PendingTaskList,
    TaskInfo,
    TaskReportResponse,
)
from tinytown.store.codec import to_ms
from tinytown.townhall.context import READ, WRITE, LentTown
from tinytown.townhall.paging import Paging, Place, paging
from tinytown.townhall.parameters import TaskPath

router = APIRouter(prefix="/v1/tasks", tags=["Tasks"])


@router.post("/assign", summary="Assign a task", operation_id="assignTask", status_code=201, dependencies=[WRITE])
def assign(town: LentTown, body: AssignTaskRequest) -> AssignTaskResponse:
    """Give an agent a task in your own words; it begins when it is idle."""
    task = town.tasks.assign(body.agent, body.task, is_urgent=body.urgent)
    town.ensure_host()
    owner = town.agents.find(task.agent_id or body.agent)
    return AssignTaskResponse(task_id=task.id, agent_id=owner.id, agent_name=owner.name)


@router.get("/pending", summary="List pending tasks", operation_id="listPendingTasks", dependencies=[READ])
def pending(town: LentTown, page: Annotated[Paging, Depends(paging("pending"))]) -> PendingTaskList:
    """What agents have and have not finished, the oldest first. What nobody has yet is in the backlog."""
    shown, next_cursor = page.cut(town.tasks.open(), key=_place_of)
    tasks = [PendingTask.of(task, agent) for task, agent in shown]
    return PendingTaskList(tasks=tasks, count=len(tasks), next_cursor=next_cursor)


@router.get("/{task_id}", summary="Get a task", operation_id="getTask", dependencies=[READ])
def one(town: LentTown, task_id: TaskPath) -> TaskInfo:
    """One task with its result; one that ended is kept for 30 days."""
    return TaskInfo.of(town.tasks.find(task_id))


@router.post("/{task_id}/complete", summary="Report a task as done", operation_id="completeTask", dependencies=[WRITE])
def complete(town: LentTown, task_id: TaskPath, body: CompleteTaskRequest | None = None) -> TaskReportResponse:
    """Report a task as done. A review needs a verdict instead."""
    task, status = town.tasks.complete(task_id, body.result if body else "")
    return TaskReportResponse(task_id=task.id, status=status)


@router.post("/{task_id}/fail", summary="Report a task as failed", operation_id="failTask", dependencies=[WRITE])
def fail(town: LentTown, task_id: TaskPath, body: FailTaskRequest) -> TaskReportResponse:
    """Report that a task cannot be done."""
    task, status = town.tasks.fail(task_id, body.reason)
    return TaskReportResponse(task_id=task.id, status=status)


def _place_of(pair: tuple[Task, Agent]) -> Place:
    task, _ = pair
    return (to_ms(task.spec.created_at), task.id)
