"""Tasks: what an agent is asked to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

import msgspec

from tinytown.domain.issue import Remark
from tinytown.domain.lifecycle import Lifecycle


class TaskKind(Enum):
    """What a task asks for."""

    WORK = "work"
    """Do the item, or whatever a person wrote."""
    REVIEW = "review"
    """Approve or reject one commit of a pull request."""
    FIX = "fix"
    """Mend what checks, reviewers or a conflict object to."""


class TaskState(Enum):
    """Where a task stands."""

    PENDING = "pending"
    """In the backlog, or handed back; nobody has it."""
    ASSIGNED = "assigned"
    """In an agent's inbox."""
    RUNNING = "running"
    """An agent is at it."""
    COMPLETED = "completed"
    """Done, with a result."""
    FAILED = "failed"
    """Given up, with a reason."""
    CANCELLED = "cancelled"
    """No longer wanted."""


TASK_LIFECYCLE = Lifecycle(
    "the task",
    TaskState.PENDING,
    {
        TaskState.PENDING: (TaskState.ASSIGNED, TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED),
        TaskState.ASSIGNED: (
            TaskState.RUNNING,
            TaskState.PENDING,
            TaskState.COMPLETED,
            TaskState.FAILED,
            TaskState.CANCELLED,
        ),
        TaskState.RUNNING: (
            TaskState.ASSIGNED,
            TaskState.PENDING,
            TaskState.COMPLETED,
            TaskState.FAILED,
            TaskState.CANCELLED,
        ),
        TaskState.COMPLETED: (),
        TaskState.FAILED: (),
        TaskState.CANCELLED: (),
    },
)

OPEN_TASKS = frozenset({TaskState.PENDING, TaskState.ASSIGNED, TaskState.RUNNING})


class Report(Enum):
    """What an agent says of its task before its run ends."""

    COMPLETED = "completed"
    FAILED = "failed"
    APPROVED = "approved"
    """Of a review task: the commit may be merged."""
    REJECTED = "rejected"
    """Of a review task: the commit must change."""


class TaskSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What does not change about a task."""

    id: str
    kind: TaskKind
    title: str
    instructions: str = ""
    """For a person's task its whole text; for a fix what must be mended."""
    created_at: datetime
    mission_id: str | None = None
    item_id: str | None = None
    causes: tuple[str, ...] = ()
    """Of a fix: the causes it mends."""
    head: str | None = None
    """Of a review or fix: the commit it is about."""
    branch: str | None = None
    """Where the work goes."""
    base: str | None = None
    """The branch that the pull request goes into."""
    starts_from: tuple[str, ...] = ()
    """Dependencies' branches that are not in the base branch yet."""
    pull_url: str | None = None
    may_be_empty: bool = False
    """Whether a report without commits will do: there may be nothing left that others did not do."""
    notes: tuple[str, ...] = ()
    """What operators said."""
    remarks: tuple[Remark, ...] = ()
    """What was said below the issue since the mission started. Data from outside."""
    history: tuple[str, ...] = ()
    """Why earlier attempts failed."""
    tags: tuple[str, ...] = ()
    parent: str | None = None
    """Who asked: an agent's id, or the supervisor."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task as it stands."""

    spec: TaskSpec
    state: TaskState
    updated_at: datetime
    agent_id: str | None = None
    agent_name: str | None = None
    """Of one that has ended: who had it. The agent itself may be gone."""
    runs: int = 0
    """How often a run of it was started."""
    nudges: int = 0
    """Runs in a row that ended without a usable outcome."""
    nudges_left: int | None = None
    """Runs without a usable outcome that are left, the next one included, before it has failed."""
    hook_failures: int = 0
    """Runs in a row that a hook kept from beginning."""
    hook: str | None = None
    """The hook that failed so often that it was given up."""
    retry_at: datetime | None = None
    """It was handed back, and is not begun again before this time."""
    limited: int = 0
    """Runs in a row that ended because the CLI was rate limited."""
    run_id: str | None = None
    """The run that has it now."""
    report: Report | None = None
    result: str = ""
    """What the agent said it did, or the reviewer's comment."""
    reason: str = ""
    """Why it failed, was rejected or was handed back."""
    head: str | None = None
    """Head commit of its branch when the run ended."""
    branch: str | None = None
    """The branch it really went to."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    tokens: int = 0
    cost_usd: float = 0.0

    @property
    def id(self) -> str:
        """Its id."""
        return self.spec.id

    @property
    def took(self) -> timedelta | None:
        """From the beginning of its last run to its end; None when it never began or has not ended."""
        began, ended = self.started_at, self.finished_at
        return None if began is None or ended is None else max(timedelta(), ended - began)

    @property
    def is_open(self) -> bool:
        """Whether somebody may still work on it."""
        return self.state in OPEN_TASKS
