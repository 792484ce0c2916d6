"""Tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from tinytown.domain.agent import Agent
from tinytown.domain.task import Task
from tinytown.schemas.base import Answer, ContractAnswer, Line, OptionalText, Request, Text, cut

TaskStateName: TypeAlias = Literal["pending", "assigned", "running", "completed", "failed", "cancelled"]
TaskKindName: TypeAlias = Literal["work", "review", "fix"]
DESCRIPTION_SHOWN = 2000
"""Characters of a task in a list."""


def description_of(task: Task) -> str:
    """What is to be done, as lists show it."""
    return cut(task.spec.instructions or task.spec.title, DESCRIPTION_SHOWN)


class AssignTaskRequest(Request):
    """A task for an agent."""

    agent: Line
    task: Text
    urgent: bool = Field(default=False, description="Before everything else that waits.")


class AssignTaskResponse(ContractAnswer):
    """A task that was given."""

    task_id: str
    agent_id: str
    agent_name: str


class PendingTask(ContractAnswer):
    """A task that is not finished."""

    task_id: str
    description: str
    agent_id: str
    agent_name: str
    state: TaskStateName
    created_at: datetime
    mission_id: str | None

    @classmethod
    def of(cls, task: Task, agent: Agent) -> PendingTask:
        """The task of that agent."""
        return cls(
            task_id=task.id,
            description=description_of(task),
            agent_id=agent.id,
            agent_name=agent.name,
            state=task.state.value,
            created_at=task.spec.created_at,
            mission_id=task.spec.mission_id,
        )


class PendingTaskList(ContractAnswer):
    """Tasks that agents have and that are not finished."""

    tasks: list[PendingTask]
    count: int
    next_cursor: str | None = None


class TaskInfo(Answer):
    """A task as it stands."""

    id: UUID
    kind: TaskKindName
    state: TaskStateName
    title: str
    instructions: str
    tags: list[str]
    agent_id: str | None
    mission_id: str | None
    item_id: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    runs: int
    report: str | None = Field(description="What the agent said of it.")
    result: str
    reason: str = Field(description="Why it failed, was rejected or was handed back.")
    branch: str | None
    head: str | None
    pull_url: str | None
    tokens: int
    cost_usd: float

    @classmethod
    def of(cls, task: Task) -> TaskInfo:
        """The whole task."""
        spec = task.spec
        return cls(
            id=UUID(task.id),
            kind=spec.kind.value,
            state=task.state.value,
            title=spec.title,
            instructions=spec.instructions,
            tags=list(spec.tags),
            agent_id=task.agent_id,
            mission_id=spec.mission_id,
            item_id=spec.item_id,
            created_at=spec.created_at,
            updated_at=task.updated_at,
            started_at=task.started_at,
            finished_at=task.finished_at,
            runs=task.runs,
            report=None if task.report is None else task.report.value,
            result=task.result,
            reason=task.reason,
            branch=task.branch or spec.branch,
            head=task.head or spec.head,
            pull_url=spec.pull_url,
            tokens=task.tokens,
            cost_usd=task.cost_usd,
        )


class CompleteTaskRequest(Request):
    """That a task is done."""

    result: OptionalText = Field("", description="What was done.")


class FailTaskRequest(Request):
    """That a task cannot be done."""

    reason: Text


class TaskReportResponse(Answer):
    """What became of a report."""

    task_id: str
    status: str = Field(description="`recorded` while a run has the task, else its final state.")
