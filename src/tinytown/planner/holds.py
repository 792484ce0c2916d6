"""Holding an item for a person, and counting the failures that lead there."""

from __future__ import annotations

from datetime import datetime

from tinytown.domain.backoff import retry_at
from tinytown.domain.workitem import BUSY, WorkItem, WorkStatus
from tinytown.planner.backoff import answers_at
from tinytown.planner.draft import Draft
from tinytown.planner.wants import Refused

MAX_FORGE_ERRORS = 5
"""Forge calls for one item that may fail in a row before a person is told of it."""


def hold(draft: Draft, item: WorkItem, reason: str) -> None:
    """Try nothing more for an item until a person decides; a run under way may finish."""
    if item.hold == reason:
        return
    if item.status is not WorkStatus.BLOCKED and item.status not in BUSY:
        draft.move(item.id, WorkStatus.BLOCKED)
    draft.put(item.id, hold=reason, retry_at=None)
    draft.say("item.held", f"{item.key} needs a person: {reason}", item=item.id)


def forge_failed(draft: Draft, item: WorkItem, what: str, refused: Refused) -> None:
    """Back off after a failed forge call; when trying again cannot help, a person decides.

    What the forge refuses again and again is a person's to decide, too. One that is away is tried on: it comes back
    without anybody doing something, and a person is told all the same.
    """
    if refused.not_before is not None:
        _put_off(draft, item, what, refused.reason, refused.not_before)
        return
    reason, errors = refused.reason, item.errors + 1
    is_lasting = errors >= MAX_FORGE_ERRORS
    if not refused.is_temporary or (is_lasting and refused.is_conflict):
        draft.put(item.id, errors=errors, setback=f"{what} failed: {reason}")
        hold(draft, draft.items[item.id], f"{what} failed: {reason}")
        return
    told = "keeps failing and is tried on" if is_lasting else f"failed (try {errors} of {MAX_FORGE_ERRORS})"
    setback, at = f"{what} {told}: {reason}", retry_at(draft.now, errors)
    draft.put(item.id, errors=errors, retry_at=at, setback=setback)
    if item.setback != setback:
        draft.say("forge.failed", f"{item.key}: {what} failed, trying again at {at:%H:%M:%S}: {reason}", item=item.id)


def is_failing(item: WorkItem) -> bool:
    """Whether the forge has been away for so long that a person is told; it is tried on all the same."""
    is_waiting = item.hold is None and item.status is WorkStatus.BLOCKED
    return is_waiting and item.errors >= MAX_FORGE_ERRORS and item.setback != ""


def _put_off(draft: Draft, item: WorkItem, what: str, reason: str, not_before: datetime) -> None:
    """The forge says itself when it answers again: that is no failure of the item."""
    at = answers_at(draft.now, not_before)
    draft.put(item.id, setback=f"{what} waits: {reason}", retry_at=at)
    draft.say("forge.waits", f"{item.key}: {what} waits until {at:%H:%M:%S}: {reason}", item=item.id)


def is_backing_off(draft: Draft, item: WorkItem) -> bool:
    """Whether the item must not be tried yet; if so, the draft wakes when it may."""
    if item.retry_at is None or item.retry_at <= draft.now:
        return False
    draft.wake(item.retry_at)
    return True
