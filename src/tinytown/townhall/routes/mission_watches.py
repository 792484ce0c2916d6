"""Watches of missions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tinytown.domain.watch import Watch, WatchStatus
from tinytown.schemas.mission_watches import SnoozeWatchRequest, WatchItem, WatchItemList
from tinytown.townhall.context import READ, WRITE, LentTown
from tinytown.townhall.paging import Paging, paging
from tinytown.townhall.routes.mission_paths import MissionPath, WatchPath

router = APIRouter(prefix="/v1/missions/{mission_id}/watches", tags=["Missions"])
Page = Annotated[Paging, Depends(paging("watches"))]


def due_order(watch: Watch) -> tuple[float, str]:
    """How watches are listed: by when they are due."""
    return watch.next_due_at.timestamp(), watch.id


@router.get("", summary="List watch items for a mission", operation_id="listWatchItems", dependencies=[READ])
def list_watches(
    town: LentTown,
    mission_id: MissionPath,
    page: Page,
    status: Annotated[WatchStatus | None, Query(description="Only watches of this status.")] = None,
) -> WatchItemList:
    """Watches of a mission."""
    shown, next_cursor = page.cut(town.mission_looks.watches(mission_id, status), key=lambda watch: (watch.id,))
    watches = [WatchItem.of(watch) for watch in shown]
    return WatchItemList(mission_id=mission_id, watches=watches, count=len(watches), next_cursor=next_cursor)


@router.post("/{watch_id}/snooze", summary="Snooze a watch item", operation_id="snoozeWatch", dependencies=[WRITE])
def snooze_watch(town: LentTown, mission_id: MissionPath, watch_id: WatchPath, body: SnoozeWatchRequest) -> WatchItem:
    """Leave what a watch looks at alone for a while; 409 when it is done."""
    return WatchItem.of(town.missions.snooze(mission_id, watch_id, body.duration_secs))
