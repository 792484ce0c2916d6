"""Work items of a mission."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from tinytown.domain.mission import MissionEvent, MissionState
from tinytown.domain.workitem import PullState, Verdict, WorkKind, WorkStatus
from tinytown.domain.workitem import WorkItem as Item
from tinytown.schemas.base import LEFT_OUT, Answer, ContractAnswer, Request, Text
from tinytown.schemas.mission_events import EventEntry
from tinytown.schemas.mission_parts import Artifact, Uuid
from tinytown.services.missions import Why


class PullRequest(Answer):
    """What a mission knows of an item's pull request; the verdicts are about `head`."""

    number: int
    url: str
    head: str
    base: str
    checks: Verdict
    review: Verdict
    mergeable: Verdict
    is_open: bool
    merged_as: str | None


class WorkItem(ContractAnswer):
    """One unit of work."""

    id: Uuid
    mission_id: Uuid
    title: str
    kind: WorkKind
    depends_on: list[Uuid]
    owner_role: str | None
    status: WorkStatus
    assigned_to: Uuid | None
    artifact_refs: list[str]
    source_ref: str | None
    created_at: datetime
    updated_at: datetime
    key: str
    """What people call it: `#2`, `owner/repo#2` or a document's path."""
    priority: int
    branch: str
    waits_for: list[str]
    """Issues outside the mission that must be closed before."""
    hold: str | None
    """Why it needs a person."""
    task_id: Uuid | None
    """The task that is open for it."""
    pull_request: PullRequest | None

    @classmethod
    def of(cls, item: Item) -> WorkItem:
        """The item as the contract shows it."""
        return cls.model_validate(fields_of(item))


def fields_of(item: Item) -> dict[str, object]:
    """The fields of a `WorkItem`; in long lists they are encoded as they are, which is five times as fast."""
    return {
        "id": item.id,
        "mission_id": item.mission_id,
        "title": item.title,
        "kind": item.kind,
        "depends_on": item.depends_on,
        "owner_role": item.owner_role,
        "status": item.status,
        "assigned_to": item.assigned_to,
        "artifact_refs": item.artifact_refs,
        "source_ref": item.source_ref,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "key": item.key,
        "priority": item.priority,
        "branch": item.branch,
        "waits_for": [str(dep.ref) for dep in item.waits_for if dep.is_open],
        "hold": item.hold,
        "task_id": item.task_id,
        "pull_request": _pull_fields(item.pull) if item.pull is not None else None,
    }


def _pull_fields(pull: PullState) -> dict[str, object]:
    return {
        "number": pull.number,
        "url": pull.url,
        "head": pull.head,
        "base": pull.base,
        "checks": pull.checks,
        "review": pull.reviewed,
        "mergeable": pull.mergeable,
        "is_open": pull.is_open,
        "merged_as": pull.merged_as,
    }


class WorkItemList(ContractAnswer):
    """Items of a mission, by repository and number."""

    mission_id: Uuid
    work_items: list[WorkItem]
    count: int
    next_cursor: str | None


class WorkItemWhy(Answer):
    """Why an item is where it is."""

    work_item: WorkItem
    reasons: list[str]
    """What it waits for."""
    history: list[EventEntry]
    """What happened to it lately, oldest first."""

    @classmethod
    def of(cls, why: Why) -> WorkItemWhy:
        """Why it is there."""
        return cls(work_item=WorkItem.of(why.item), reasons=list(why.reasons), history=_entries(why.history))


class UpdateWorkItemRequest(Request):
    """What is to be said of an item."""

    status: Annotated[Annotated[WorkStatus, Field(strict=False)] | None, LEFT_OUT] = None
    """What it is to become; see the documentation for what may be set, and what that does."""
    artifacts: list[Artifact] = Field(default_factory=list, max_length=100)
    """Artifact references to add: URLs of pull requests, commits."""


class ApproveWorkItemRequest(Request):
    """An approval."""

    comment: Annotated[Text | None, LEFT_OUT] = None


class RejectWorkItemRequest(Request):
    """A rejection."""

    reason: Text
    """What is to be changed; its agent is told nothing else."""


def _entries(events: tuple[MissionEvent, ...]) -> list[EventEntry]:
    return [EventEntry.of(event) for event in events]


class WaitingItem(Answer):
    """An item that is not done."""

    work_item_id: Uuid
    key: str
    title: str
    status: WorkStatus
    reasons: list[str]
    """What it waits for."""

    @classmethod
    def of(cls, item: Item, why: tuple[str, ...]) -> WaitingItem:
        """The item and what it waits for."""
        return cls(work_item_id=item.id, key=item.key, title=item.title, status=item.status, reasons=list(why))


class MissionWhy(Answer):
    """What a mission waits for."""

    mission_id: Uuid
    state: MissionState
    blocked_reason: str | None
    items: list[WaitingItem]
    count: int
    next_cursor: str | None
