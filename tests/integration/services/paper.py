"""Missions in a paper town: how tests of the dispatcher start one and look at what became of it."""

from __future__ import annotations

from typing import Any

from tests.properties.mission_town import START, PaperTown

from tinytown.domain.errors import ForgeUnavailableError
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.refs import IssueRef, ObjectiveRef
from tinytown.domain.workitem import WorkItem, WorkKind, WorkStatus

MISSION = "00000000-0000-4000-8000-000000000001"
ISSUE = IssueRef("acme", "shop", 1)
NO_ROUTE = ForgeUnavailableError("no route to the forge")


def start(
    town: PaperTown,
    *refs: ObjectiveRef,
    items: tuple[WorkItem, ...] = (),
    mission_id: str = MISSION,
    **fields: Any,
) -> None:
    """Store a mission: running with these items, else in planning."""
    values: dict[str, Any] = {
        "state": MissionState.RUNNING if items else MissionState.PLANNING,
        "policy": MissionPolicy(auto_merge=True),
    }
    mission = Mission(
        id=mission_id,
        objective_refs=refs,
        created_at=START,
        updated_at=START,
        home=town.forge.home,
        **{**values, **fields},
    )
    town.start(mission, items)


def an_item(**fields: Any) -> WorkItem:
    """Item #1 of the mission, pending."""
    values: dict[str, Any] = {
        "id": "00000000-0000-4000-8000-000000000002",
        "mission_id": MISSION,
        "key": "#1",
        "title": "thing",
        "kind": WorkKind.IMPLEMENT,
        "status": WorkStatus.PENDING,
        "branch": "tt/1-thing",
        "created_at": START,
        "updated_at": START,
    }
    return WorkItem(**{**values, **fields})


def the_item(town: PaperTown) -> WorkItem:
    """The mission's only item."""
    (item,) = town.read().items.values()
    return item


def log_of(town: PaperTown) -> list[str]:
    """The types of the mission's events, oldest first."""
    return [event.type for event in town.missions.events(MISSION)]
