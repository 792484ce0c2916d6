"""Closing issues that no merge closes: those of parents whose parts were all there was to do."""

from __future__ import annotations

from datetime import timedelta

from tinytown.domain.mission import MissionState
from tinytown.domain.workitem import WorkItem
from tinytown.planner.draft import Draft
from tinytown.planner.holds import is_backing_off
from tinytown.planner.notices import tell_conductor
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.sources import closes
from tinytown.planner.wants import Close, Closed, Outcome, Refused

AGAIN = timedelta(minutes=5)
"""When it is tried again after a refusal."""


def close(draft: Draft) -> None:
    """Want each such issue closed, once for each time that its work was done."""
    for item in draft.items.values() if draft.mission.traits.closes else ():
        if _is_owed(item) and not is_backing_off(draft, item):
            for ref in closes(draft, item):
                draft.want(Close(item_id=item.id, ref=ref))


def is_owed(snapshot: Snapshot) -> bool:
    """Whether a mission that is over still has an issue to close."""
    draft = Draft(snapshot, snapshot.mission.updated_at)
    if not draft.mission.traits.closes or draft.mission.state is not MissionState.COMPLETED:
        return False
    return any(_is_owed(item) and closes(draft, item) for item in draft.items.values())


def closed(draft: Draft, outcome: Outcome, want: Close) -> None:
    """Take in whether an issue was closed."""
    item = draft.items.get(want.item_id)
    if item is None or not _is_owed(item):
        return
    match outcome.found:
        case Closed():
            _remember(draft, item, closed_after=item.work_task_id, retry_at=None)
            text = f"{item.key} is closed at the forge: its parts were all there was to do"
            draft.say("issue.closed", text, item=item.id)
        case Refused(is_temporary=True, not_before=at):
            _remember(draft, item, retry_at=at or draft.now + AGAIN)
        case Refused(reason=reason):
            _remember(draft, item, closed_after=item.work_task_id, retry_at=None)
            text = f"{item.key} is done, but cannot be closed ({reason}); close it by hand"
            draft.say("issue.left_open", text, item=item.id)
            tell_conductor(draft, text, item.id, "open", item.work_task_id)
        case _:
            pass


def _is_owed(item: WorkItem) -> bool:
    is_done_here = item.is_done and item.work_task_id is not None
    return item.is_parent and is_done_here and item.pull is None and item.closed_after != item.work_task_id


def _remember(draft: Draft, item: WorkItem, **changes: object) -> None:
    draft.put(item.id, **changes, updated_at=item.updated_at)  # to close its issue is not to move it on
