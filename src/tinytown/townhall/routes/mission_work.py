"""Work items of missions."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from tinytown.domain.workitem import WorkItem as Item
from tinytown.domain.workitem import WorkStatus
from tinytown.schemas.mission_work import (
    ApproveWorkItemRequest,
    MissionWhy,
    RejectWorkItemRequest,
    UpdateWorkItemRequest,
    WaitingItem,
    WorkItem,
    WorkItemList,
    WorkItemWhy,
    fields_of,
)
from tinytown.services.missions import item_order
from tinytown.townhall.context import READ, WRITE, LentTown
from tinytown.townhall.paging import Paging, paging
from tinytown.townhall.routes.mission_paths import MissionPath, WorkItemPath

router = APIRouter(prefix="/v1/missions/{mission_id}", tags=["Missions"])
Page = Annotated[Paging, Depends(paging("work"))]
WhyPage = Annotated[Paging, Depends(paging("why"))]


def work_order(item: Item) -> tuple[str, int, str]:
    """How items are listed: by repository, then by number."""
    return item_order(item)


def long_answer(fields: dict[str, object]) -> Response:
    """An answer in JSON of what its model says, without the way through the model."""
    return Response(msgspec.json.encode(fields), media_type="application/json")


@router.get(
    "/work",
    summary="List work items for a mission",
    operation_id="listWorkItems",
    dependencies=[READ],
    response_model=WorkItemList,
)
def list_work(
    town: LentTown,
    mission_id: MissionPath,
    page: Page,
    status: Annotated[WorkStatus | None, Query(description="Only items of this status.")] = None,
) -> Response:
    """Items of a mission, by repository and number."""
    shown, next_cursor = page.cut(town.mission_looks.items(mission_id, status), key=work_order)
    items = [fields_of(item) for item in shown]
    return long_answer({"mission_id": mission_id, "work_items": items, "count": len(items), "next_cursor": next_cursor})


@router.get("/why", summary="Say what a mission waits for", operation_id="whyMission", dependencies=[READ])
def why_mission(town: LentTown, mission_id: MissionPath, page: WhyPage) -> MissionWhy:
    """Each item that is not done, with what it waits for."""
    view = town.missions.view(mission_id)
    unfinished = [item for item in view.items if not item.is_done]
    shown, next_cursor = page.cut(unfinished, key=work_order)
    return MissionWhy(
        mission_id=mission_id,
        state=view.mission.state,
        blocked_reason=view.mission.blocked_reason,
        items=[WaitingItem.of(item, view.why[item.id]) for item in shown],
        count=len(shown),
        next_cursor=next_cursor,
    )


@router.get("/work/{work_item_id}", summary="Get a specific work item", operation_id="getWorkItem", dependencies=[READ])
def work_item(town: LentTown, mission_id: MissionPath, work_item_id: WorkItemPath) -> WorkItem:
    """One item."""
    return WorkItem.of(town.mission_looks.item(mission_id, work_item_id))


@router.patch("/work/{work_item_id}", summary="Update a work item", operation_id="updateWorkItem", dependencies=[WRITE])
def update_work_item(
    town: LentTown, mission_id: MissionPath, work_item_id: WorkItemPath, body: UpdateWorkItemRequest
) -> WorkItem:
    """Set an item's status, add artifacts to it, or both at once.

    `done`: it was done elsewhere, or is accepted as it is. `ready`: it is taken from its agent, or tried again from the
    start. `blocked`: it is taken from its agent and held for a person. `running`: the run that began is taken into
    account. What cannot be set is refused with 409, and nothing is changed: what is handed in is approved, rejected or
    merged, and while an agent is at an item only its own report says that it is done.
    """
    return WorkItem.of(town.missions.update(mission_id, work_item_id, body.status, body.artifacts))


@router.get(
    "/work/{work_item_id}/why",
    summary="Say why an item is where it is",
    operation_id="whyWorkItem",
    dependencies=[READ],
)
def why_work_item(town: LentTown, mission_id: MissionPath, work_item_id: WorkItemPath) -> WorkItemWhy:
    """What an item waits for, and what happened to it."""
    return WorkItemWhy.of(town.missions.why(mission_id, work_item_id))


@router.post(
    "/work/{work_item_id}/approve", summary="Approve a work item", operation_id="approveWorkItem", dependencies=[WRITE]
)
def approve_work_item(
    town: LentTown, mission_id: MissionPath, work_item_id: WorkItemPath, body: ApproveWorkItemRequest | None = None
) -> WorkItem:
    """Accept an item as it is: satisfies the review, opens a gate, or finishes what has no branch."""
    comment = (body.comment if body is not None else None) or ""
    return WorkItem.of(town.missions.approve(mission_id, work_item_id, comment))


@router.post(
    "/work/{work_item_id}/reject", summary="Reject a work item", operation_id="rejectWorkItem", dependencies=[WRITE]
)
def reject_work_item(
    town: LentTown, mission_id: MissionPath, work_item_id: WorkItemPath, body: RejectWorkItemRequest
) -> WorkItem:
    """Send an item back; its agent is asked to mend it, and told the reason."""
    return WorkItem.of(town.missions.reject(mission_id, work_item_id, body.reason))


@router.post(
    "/work/{work_item_id}/merge",
    summary="Have a work item merged",
    operation_id="mergeWorkItem",
    status_code=202,
    dependencies=[WRITE],
)
def merge_work_item(town: LentTown, mission_id: MissionPath, work_item_id: WorkItemPath) -> WorkItem:
    """Have an item merged that is ready; a dispatcher does it, and looks at every condition anew before."""
    return WorkItem.of(town.missions.merge(mission_id, work_item_id))
