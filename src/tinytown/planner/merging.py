"""Merging pull requests, one at a time per branch, and what follows from a merge."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tinytown.domain.pull import Merged, Queued
from tinytown.domain.watch import WatchKind, WatchStatus
from tinytown.domain.workitem import BUSY, PullState, Verdict, WorkItem, WorkStatus
from tinytown.planner.draft import Draft
from tinytown.planner.heads import base_of, known_of
from tinytown.planner.holds import forge_failed, is_backing_off
from tinytown.planner.notices import tell_of_merge
from tinytown.planner.pulls import NO_ERRORS
from tinytown.planner.resting import rest
from tinytown.planner.settle import look_now
from tinytown.planner.sources import closes
from tinytown.planner.stacking import is_stacked
from tinytown.planner.stage import Stage, is_approved, is_to_be_merged, stage_of
from tinytown.planner.wants import Merge, Outcome, Refused

_TALK = (WatchKind.REVIEW_COMMENTS, WatchKind.BUGBOT_COMMENTS)
QUEUE_LAG_SECS = 30
"""How long a forge may take to show that something is in its merge queue."""


def merge_ready(draft: Draft) -> None:
    """Finish what is ready to merge, or want it merged: the one opened first, one at a time per branch."""
    policy = draft.mission.policy
    while done := [item for item in _ready(draft) if item.is_merged or not is_to_be_merged(item, policy)]:
        for item in done:  # and again: they may have been what others waited for
            finish(draft, item)
    waiting = [item for item in _ready(draft) if not is_stacked(draft, item) and not is_backing_off(draft, item)]
    first: dict[str, tuple[WorkItem, PullState]] = {}
    for item, pull in [(item, item.pull) for item in sorted(waiting, key=opened_at) if item.pull is not None]:
        first.setdefault(base_of(draft, pull), (item, pull))
    for item, pull in first.values():
        draft.want(
            Merge(
                item_id=item.id,
                url=pull.url,
                head=pull.head,
                closes=closes(draft, item),
                known=known_of(draft, item, pull),
                heeds=_heeds(draft, item),
            )
        )


def _ready(draft: Draft) -> list[WorkItem]:
    """What nothing is in the way of; what a person sent back is mended before anything built on it goes on."""
    ready = [item for item in draft.unfinished() if stage_of(item, draft.mission.policy) is Stage.MERGE]
    return [item for item in ready if item.is_merged or (_is_preceded(draft, item) and is_heard(draft, item))]


def _is_preceded(draft: Draft, item: WorkItem) -> bool:
    return all(draft.items[dep].is_done for dep in item.depends_on)


def is_heard(draft: Draft, item: WorkItem) -> bool:
    """Whether it was looked at what people say of its head; who snoozed that does not want to know."""
    if item.pull is None or item.pull.is_heard:
        return True
    watches = draft.watches_of(item.id)
    return not any(w.kind is WatchKind.REVIEW_COMMENTS and w.status is WatchStatus.ACTIVE for w in watches)


def _heeds(draft: Draft, item: WorkItem) -> tuple[WatchKind, ...]:
    """Whose objections still count: not theirs whose watch is snoozed, nor people's over whom a person here decided."""
    watched = {w.kind for w in draft.watches_of(item.id) if w.status is WatchStatus.ACTIVE}
    overruled = {WatchKind.REVIEW_COMMENTS} if is_approved(item) else set()
    return tuple(kind for kind in _TALK if kind in watched - overruled)


def merged(draft: Draft, outcome: Outcome, want: Merge) -> None:
    """Take in how a merge went; siblings are looked at again because their base moved."""
    item = draft.items[want.item_id]
    if item.pull is None or item.is_done:
        return
    match outcome.found:
        case Merged(sha=sha, notice=notice):
            record_merge(draft, item, item.pull, sha)
            tell_of_merge(draft, item, item.pull, notice)
        case Queued():
            _queued(draft, item, item.pull, want)
        case Refused(not_before=None) as refused:
            draft.put(item.id, pull=msgspec.structs.replace(item.pull, mergeable=Verdict.UNKNOWN))
            look_now(draft, item.id, draft.now)
            forge_failed(draft, draft.items[item.id], "merging", refused)
        case Refused() as refused:
            forge_failed(draft, item, "merging", refused)
        case _:
            pass


def _queued(draft: Draft, item: WorkItem, pull: PullState, want: Merge) -> None:
    """It waits in the queue, unless its head moved meanwhile: then the next look tells."""
    if pull.head != want.head or pull.is_queued:
        return
    draft.put(item.id, pull=msgspec.structs.replace(pull, is_queued=True, is_entered=True))
    at = draft.now + timedelta(seconds=min(QUEUE_LAG_SECS, draft.mission.policy.watch_interval_secs))
    look_now(draft, item.id, at, WatchKind.MERGEABILITY)
    draft.say("pull.queued", f"PR #{pull.number} ({item.key}) is in the merge queue", item=item.id)


def record_merge(draft: Draft, item: WorkItem, pull: PullState, sha: str) -> None:
    """Remember the merge commit: nothing is left to mend or to ask. Others must show again that they merge."""
    refs = tuple(dict.fromkeys((*item.artifact_refs, sha)))
    pull = msgspec.structs.replace(pull, merged_as=sha, is_queued=False, is_entered=False)
    draft.cancel_tasks_of(item.id, f"{item.key} is merged")
    draft.put(item.id, pull=pull, artifact_refs=refs, task_id=None, fixes=(), hold=None, **NO_ERRORS)
    if item.status in BUSY:
        draft.move(item.id, WorkStatus.BLOCKED)
    draft.say("pull.merged", f"PR #{pull.number} ({item.key}) is merged as {sha[:10]}", item=item.id)
    for other in draft.unfinished():
        if other.id != item.id and other.pull is not None and not other.is_merged:
            draft.put(other.id, pull=msgspec.structs.replace(other.pull, mergeable=Verdict.UNKNOWN))
            look_now(draft, other.id, draft.now, WatchKind.MERGEABILITY)


def finish(draft: Draft, item: WorkItem) -> None:
    """The item is done; nothing of it is watched or reviewed any more."""
    draft.cancel_tasks_of(item.id, f"{item.key} is done")
    done = draft.move(item.id, WorkStatus.DONE, fixes=(), hold=None, retry_at=None)
    rest(draft, done)
    draft.say("item.done", f"{item.key} is done" + ("" if done.is_merged else ", ready to merge"), item=item.id)


def opened_at(item: WorkItem) -> tuple[datetime, str]:
    """What decides who goes first."""
    return (item.pull.opened_at if item.pull and item.pull.opened_at else item.created_at), item.key
