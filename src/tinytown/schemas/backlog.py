"""The backlog."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from tinytown.domain.task import Task
from tinytown.schemas.base import PRINTED_LINE, ContractAnswer, Line, Request, Text
from tinytown.schemas.tasks import description_of
from tinytown.services.backlog import MOST_TAGS, TAG_CHARS

Tag = Annotated[str, StringConstraints(min_length=1, max_length=TAG_CHARS), PRINTED_LINE]
"""One printable line."""


class AddBacklogRequest(Request):
    """A task for whoever has time."""

    description: Text
    tags: list[Tag] = Field(
        default_factory=list, max_length=MOST_TAGS, description="`role:NAME` says who is to do it; others are shown."
    )


class AddBacklogResponse(ContractAnswer):
    """A task that was added."""

    task_id: str
    description: str


class BacklogItem(ContractAnswer):
    """A task that nobody has yet."""

    task_id: str
    description: str
    tags: list[str]
    created_at: datetime

    @classmethod
    def of(cls, task: Task) -> BacklogItem:
        """The task as the backlog shows it."""
        return cls(
            task_id=task.id,
            description=description_of(task),
            tags=list(task.spec.tags),
            created_at=task.spec.created_at,
        )


class BacklogList(ContractAnswer):
    """The backlog, the oldest first."""

    backlog: list[BacklogItem]
    count: int
    next_cursor: str | None = None


class ClaimRequest(Request):
    """Who is to have a task."""

    agent: Line


class ClaimResponse(ContractAnswer):
    """Who has it now."""

    task_id: str
    agent_id: str
    agent_name: str


class AssignAllRequest(Request):
    """Who is to have the whole backlog."""

    agent: Line


class AssignAllResponse(ContractAnswer):
    """What was handed over."""

    assigned: int
    tasks: list[str] = Field(description="Ids, the oldest first.")
    agent_id: str
    agent_name: str


class RemoveBacklogResponse(ContractAnswer):
    """A task that is no longer wanted."""

    removed: bool
    task_id: str
