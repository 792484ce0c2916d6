"""Missions as they are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.workitem import WorkStatus
from tinytown.schemas.base import LEFT_OUT, Answer, ContractAnswer
from tinytown.schemas.mission_parts import Uuid
from tinytown.schemas.mission_starts import MissionPolicy, ObjectiveRef
from tinytown.schemas.mission_watches import WatchItem
from tinytown.schemas.mission_work import WorkItem
from tinytown.services.mission_looks import Progressed, Summary
from tinytown.services.missions import Started


class MissionSummary(ContractAnswer):
    """A mission in a list."""

    id: Uuid
    state: MissionState
    objective_count: int
    work_item_count: int
    completed_count: int
    created_at: datetime
    updated_at: datetime
    is_paused: bool
    blocked_reason: str | None

    @classmethod
    def of(cls, one: Progressed) -> MissionSummary:
        """The mission in one line."""
        mission = one.mission
        return cls(
            id=mission.id,
            state=mission.state,
            objective_count=len(mission.objective_refs),
            work_item_count=one.items,
            completed_count=one.done,
            created_at=mission.created_at,
            updated_at=mission.updated_at,
            is_paused=mission.is_paused,
            blocked_reason=mission.blocked_reason,
        )


class MissionRun(ContractAnswer):
    """A mission's own record."""

    id: Uuid
    objective_refs: list[ObjectiveRef]
    state: MissionState
    policy: MissionPolicy
    created_at: datetime
    updated_at: datetime
    next_wake_at: datetime | None
    blocked_reason: str | None
    base: str
    """The branch that pull requests go into."""
    is_paused: bool
    """Whether a person stopped it."""
    trouble: str | None
    """Why dispatchers cannot step it at present."""
    notes: list[str]
    """What operators said to every item."""

    @classmethod
    def of(cls, mission: Mission) -> MissionRun:
        """The record as the contract shows it."""
        return cls(
            id=mission.id,
            objective_refs=[ObjectiveRef.of(ref) for ref in mission.objective_refs],
            state=mission.state,
            policy=MissionPolicy.of(mission.policy),
            created_at=mission.created_at,
            updated_at=mission.updated_at,
            next_wake_at=mission.next_wake_at,
            blocked_reason=mission.blocked_reason,
            base=mission.base,
            is_paused=mission.is_paused,
            trouble=mission.trouble,
            notes=list(mission.notes),
        )


class MissionList(ContractAnswer):
    """Missions, newest first."""

    missions: list[MissionSummary]
    count: int
    next_cursor: str | None


class StartMissionResponse(ContractAnswer):
    """A mission that was started."""

    mission_id: Uuid
    state: MissionState
    """`planning` when the forge could not be reached: a dispatcher tries again."""
    objective_count: int
    work_item_count: int
    warnings: list[str]

    @classmethod
    def of(cls, started: Started) -> StartMissionResponse:
        """What was started."""
        return cls(
            mission_id=started.mission.id,
            state=started.mission.state,
            objective_count=len(started.mission.objective_refs),
            work_item_count=len(started.items),
            warnings=list(started.warnings),
        )


class WorkSummary(ContractAnswer):
    """How many items and watches a mission has, whatever of them is shown."""

    total_work_items: int
    pending: int
    ready: int
    assigned: int
    running: int
    done: int
    blocked: int
    active_watches: int

    @classmethod
    def of(cls, summary: Summary) -> WorkSummary:
        """The counts."""
        counts = {status.value: summary.by_status[status] for status in WorkStatus}
        return cls(total_work_items=summary.items, active_watches=summary.active_watches, **counts)


class MissionStatus(ContractAnswer):
    """A mission with what was asked for of it."""

    mission: MissionRun
    work_items: Annotated[list[WorkItem] | None, LEFT_OUT] = None
    """With `include_work`: one page of them."""
    watches: Annotated[list[WatchItem] | None, LEFT_OUT] = None
    """With `include_watches`: the first thousand, by when they are due."""
    events: Annotated[list[str] | None, LEFT_OUT] = None
    """With `include_events`: the last twenty, oldest first."""
    summary: WorkSummary
    next_cursor: str | None = None
    """Where the next page of its items begins."""


class MissionActionResponse(ContractAnswer):
    """What was done to a mission."""

    mission_id: Uuid
    status: str
    previous_state: MissionState
    new_state: MissionState


class KeptWork(Answer):
    """A branch that was not merged."""

    work_item: str
    branch: str
    reason: str


class DeleteMissionResponse(ContractAnswer):
    """A mission that is gone."""

    mission_id: Uuid
    deleted: bool
    cancelled_tasks: int
    kept: list[KeptWork]
    """Work of it that is in the repository still."""


class MissionNote(Answer):
    """What became of a note."""

    mission_id: Uuid
    status: str
