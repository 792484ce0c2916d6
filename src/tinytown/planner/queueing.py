"""Taking out of the forge's merge queue what the mission put there and what must not be merged as it is any more."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import PullState, Verdict, WorkItem
from tinytown.planner import fixes
from tinytown.planner.draft import Draft
from tinytown.planner.holds import is_backing_off
from tinytown.planner.pulls import NO_ERRORS
from tinytown.planner.settle import look_now
from tinytown.planner.stage import is_approved
from tinytown.planner.wants import Dequeue, Dequeued, Outcome, Refused

AGAIN = timedelta(minutes=1)
"""When it is tried again after a refusal."""


def take_out(draft: Draft) -> None:
    """Want each out that somebody objects to, that is held, or whose mission is stopped."""
    for item in draft.unfinished():
        pull = item.pull
        if pull is None or not pull.is_entered or item.is_merged or not _must_leave(draft, item, pull):
            continue
        if not is_backing_off(draft, item):
            draft.want(Dequeue(item_id=item.id, url=pull.url))


def _must_leave(draft: Draft, item: WorkItem, pull: PullState) -> bool:
    if draft.mission.is_paused or item.hold is not None:
        return True
    is_objected = pull.people is Verdict.FAILED and not is_approved(item)
    return is_objected or any(fix.cause in {fixes.REVIEW, fixes.COMMENTS} for fix in item.fixes)


def taken_out(draft: Draft, outcome: Outcome, want: Dequeue) -> None:
    """Take in whether it is out; if not, the queue may merge it meanwhile, and the next look tells."""
    item = draft.items[want.item_id]
    pull = item.pull
    if pull is None or item.is_merged or not pull.is_entered:
        return
    match outcome.found:
        case Dequeued():
            pull = msgspec.structs.replace(pull, is_queued=False, is_entered=False, mergeable=Verdict.UNKNOWN)
            draft.put(item.id, pull=pull, **NO_ERRORS)
            look_now(draft, item.id, draft.now, WatchKind.MERGEABILITY)
            draft.say("pull.dequeued", f"PR #{pull.number} ({item.key}) is out of the merge queue", item=item.id)
        case Refused(reason=reason, not_before=at):
            setback = f"PR #{pull.number} cannot be taken out of the merge queue: {reason}"
            draft.put(item.id, retry_at=at or draft.now + AGAIN, setback=setback)
            if item.setback != setback:
                draft.say("forge.failed", f"{item.key}: {setback}", item=item.id)
        case _:
            pass
