"""Watches of a mission."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from tinytown.domain.watch import SNOOZE_LEAST_SECS, SNOOZE_MOST_SECS, TriggerAction, Watch, WatchKind, WatchStatus
from tinytown.schemas.base import ContractAnswer, Request
from tinytown.schemas.mission_parts import Uuid


class WatchItem(ContractAnswer):
    """One scheduled look at a pull request."""

    id: Uuid
    mission_id: Uuid
    work_item_id: Uuid
    kind: WatchKind
    target_ref: str
    interval_secs: int
    next_due_at: datetime
    status: WatchStatus
    on_trigger: TriggerAction
    last_check_at: datetime | None
    consecutive_failures: int
    finding: str
    """What it saw last."""

    @classmethod
    def of(cls, watch: Watch) -> WatchItem:
        """The watch as the contract shows it."""
        return cls(
            id=watch.id,
            mission_id=watch.mission_id,
            work_item_id=watch.work_item_id,
            kind=watch.kind,
            target_ref=watch.target_ref,
            interval_secs=watch.interval_secs,
            next_due_at=watch.next_due_at,
            status=watch.status,
            on_trigger=watch.on_trigger,
            last_check_at=watch.last_check_at,
            consecutive_failures=watch.consecutive_failures,
            finding=watch.finding,
        )


class WatchItemList(ContractAnswer):
    """Watches of a mission, by their ids."""

    mission_id: Uuid
    watches: list[WatchItem]
    count: int
    next_cursor: str | None


class SnoozeWatchRequest(Request):
    """For how long a watch is to be left alone."""

    duration_secs: Annotated[int, Field(ge=SNOOZE_LEAST_SECS, le=SNOOZE_MOST_SECS)]
