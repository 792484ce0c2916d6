"""What was done."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from tinytown.domain.agent import Agent
from tinytown.domain.task import Task, TaskState
from tinytown.schemas.base import Answer, cut
from tinytown.schemas.tasks import TaskKindName

EndName: TypeAlias = Literal["completed", "failed", "cancelled"]

_ENDS: dict[TaskState, EndName] = {
    TaskState.COMPLETED: "completed",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
}
RESULT_SHOWN = 500
"""Characters of a result in the list."""


class EndedTask(Answer):
    """A task that has ended."""

    task_id: str
    kind: TaskKindName
    state: EndName
    report: Literal["completed", "failed", "approved", "rejected"] | None
    title: str
    result: str
    """Its beginning; of one that failed why."""
    agent_id: str | None
    agent_name: str | None
    mission_id: UUID | None
    work_item_id: str | None
    branch: str | None
    head: str | None
    pull_url: str | None
    started_at: datetime | None
    finished_at: datetime
    took_secs: float | None
    tokens: int
    cost_usd: float

    @classmethod
    def of(cls, task: Task, agent: Agent | None) -> EndedTask:
        """The task as it is shown."""
        spec, took = task.spec, task.took
        return cls(
            task_id=task.id,
            kind=spec.kind.value,
            state=_ENDS[task.state],
            report=None if task.report is None else task.report.value,
            title=spec.title,
            result=cut(task.result or task.reason, RESULT_SHOWN),
            agent_id=task.agent_id,
            agent_name=task.agent_name if agent is None else agent.name,
            mission_id=None if spec.mission_id is None else UUID(spec.mission_id),
            work_item_id=spec.item_id,
            branch=task.branch or spec.branch,
            head=task.head,
            pull_url=spec.pull_url,
            started_at=task.started_at,
            finished_at=task.finished_at or task.updated_at,
            took_secs=None if took is None else took.total_seconds(),
            tokens=task.tokens,
            cost_usd=task.cost_usd,
        )


class History(Answer):
    """Tasks that have ended, the last to end first."""

    tasks: list[EndedTask]
    count: int
    next_cursor: str | None
