"""Missions: listing, starting, looking at them, stopping, resuming and deleting them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from tinytown.domain.errors import ConflictError
from tinytown.gate.wording import without_paths
from tinytown.schemas.mission_events import EventEntry, MissionEventList, line_of
from tinytown.schemas.mission_starts import NoteRequest, StartMissionRequest, StopMissionRequest
from tinytown.schemas.mission_watches import WatchItem
from tinytown.schemas.mission_work import fields_of
from tinytown.schemas.missions import (
    DeleteMissionResponse,
    KeptWork,
    MissionActionResponse,
    MissionList,
    MissionNote,
    MissionRun,
    MissionStatus,
    MissionSummary,
    StartMissionResponse,
    WorkSummary,
)
from tinytown.services.checkout import check_checkout
from tinytown.townhall.context import ADMIN, READ, WRITE, LentTown
from tinytown.townhall.paging import Paging, paging
from tinytown.townhall.parameters import WHOLE, Flag
from tinytown.townhall.routes.mission_paths import MissionPath
from tinytown.townhall.routes.mission_plans import parts_of
from tinytown.townhall.routes.mission_watches import due_order
from tinytown.townhall.routes.mission_work import long_answer, work_order

RECENT_EVENTS = 20
MOST_WATCHES = 1000

router = APIRouter(prefix="/v1/missions", tags=["Missions"])
Page = Annotated[Paging, Depends(paging("missions"))]
WorkPage = Annotated[Paging, Depends(paging("work"))]


@router.get("", summary="List all missions", operation_id="listMissions", dependencies=[READ])
def list_missions(town: LentTown, page: Page, *, active_only: Flag = True) -> MissionList:
    """Missions, newest first; only those that are planning, running or blocked unless all are asked for."""
    looks = town.mission_looks
    found = looks.newest(is_active_only=active_only)
    shown, next_cursor = page.cut(found, key=lambda one: (-one[1], one[0]))
    missions = [MissionSummary.of(one) for one in looks.some([mission_id for mission_id, _ in shown])]
    return MissionList(missions=missions, count=len(missions), next_cursor=next_cursor)


@router.post("", summary="Start a new mission", operation_id="startMission", status_code=201, dependencies=[WRITE])
def start_mission(town: LentTown, body: StartMissionRequest) -> StartMissionResponse:
    """Start a mission from issues and documents, all or nothing: what is wrong is told all at once.

    While the forge cannot be reached, the mission waits in `planning`, and a dispatcher tries again.
    """
    check_checkout(town.root, allow_dirty=body.allow_dirty)
    objectives, policy, manifest = parts_of(town, body)
    return StartMissionResponse.of(town.missions.start(objectives, policy, manifest))


@router.get(
    "/{mission_id}",
    summary="Get mission status",
    operation_id="getMissionStatus",
    dependencies=[READ],
    response_model=MissionStatus,
)
def mission_status(
    town: LentTown,
    mission_id: MissionPath,
    page: WorkPage,
    *,
    include_work: Flag = False,
    include_watches: Flag = False,
    include_events: Flag = False,
) -> Response:
    """A mission, how far it is, and what else is asked for; `limit` and `cursor` are about its items."""
    seen, summary = town.mission_looks.one(
        mission_id,
        with_items=include_work,
        with_watches=include_watches,
        events=RECENT_EVENTS if include_events else 0,
    )
    shown: dict[str, object] = {
        "mission": MissionRun.of(seen.mission).model_dump(mode="json"),
        "summary": WorkSummary.of(summary).model_dump(),
        "next_cursor": None,
    }
    if include_work:
        items, shown["next_cursor"] = page.cut(seen.items, key=work_order)
        shown["work_items"] = [fields_of(item) for item in items]
    if include_watches:
        watches = sorted(seen.watches, key=due_order)[:MOST_WATCHES]
        shown["watches"] = [WatchItem.of(watch).model_dump(mode="json") for watch in watches]
    if include_events:
        shown["events"] = [line_of(event) for event in seen.events]
    return long_answer(shown)


@router.delete("/{mission_id}", summary="Delete a mission", operation_id="deleteMission", dependencies=[ADMIN])
def delete_mission(town: LentTown, mission_id: MissionPath, *, force: Flag = False) -> DeleteMissionResponse:
    """Delete a mission with its items, watches and log; one that is active only with `force`.

    Branches that are not merged stay in the repository, and are named.
    """
    deleted = town.deletion.delete(mission_id, is_forced=force)
    kept = [KeptWork(work_item=k.item_key, branch=k.branch, reason=without_paths(k.why)) for k in deleted.kept]
    return DeleteMissionResponse(mission_id=mission_id, deleted=True, cancelled_tasks=deleted.cancelled, kept=kept)


@router.post(
    "/{mission_id}/resume",
    summary="Resume a stopped or blocked mission",
    operation_id="resumeMission",
    dependencies=[WRITE],
)
def resume_mission(town: LentTown, mission_id: MissionPath) -> MissionActionResponse:
    """Go on with a mission, and try again what was held for a person."""
    moved = town.missions.resume(mission_id)
    return MissionActionResponse(
        mission_id=mission_id, status="resumed", previous_state=moved.before, new_state=moved.after
    )


@router.post("/{mission_id}/stop", summary="Stop an active mission", operation_id="stopMission", dependencies=[WRITE])
def stop_mission(
    town: LentTown, mission_id: MissionPath, body: StopMissionRequest | None = None
) -> MissionActionResponse:
    """Start nothing new of a mission; with `force`, take back what agents are at.

    Stopping what is stopped or has ended is no error: nothing of it is started anyway.
    """
    try:
        moved = town.missions.stop(mission_id, is_forced=body is not None and body.force)
    except ConflictError:
        state = town.mission_looks.one(mission_id)[0].mission
        if state.is_active:
            raise
        return MissionActionResponse(
            mission_id=mission_id, status="ended", previous_state=state.state, new_state=state.state
        )
    return MissionActionResponse(
        mission_id=mission_id, status="stopped", previous_state=moved.before, new_state=moved.after
    )


@router.get(
    "/{mission_id}/events", summary="Get mission activity events", operation_id="getMissionEvents", dependencies=[READ]
)
def mission_events(
    town: LentTown, mission_id: MissionPath, limit: Annotated[int, Query(ge=1, le=100), WHOLE] = RECENT_EVENTS
) -> MissionEventList:
    """The last entries of a mission's log, oldest first."""
    events = town.mission_looks.events(mission_id, limit)
    return MissionEventList(
        mission_id=mission_id,
        events=[line_of(event) for event in events],
        count=len(events),
        entries=[EventEntry.of(event) for event in events],
    )


@router.post(
    "/{mission_id}/note", summary="Say something to a mission", operation_id="noteMission", dependencies=[WRITE]
)
def note_mission(town: LentTown, mission_id: MissionPath, body: NoteRequest) -> MissionNote:
    """Carry out a note (`resume`, `pause`, `redirect ITEM to AGENT`), or hand it to the agents with their next prompt."""
    return MissionNote(mission_id=mission_id, status=town.missions.note(mission_id, body.text))
