"""Bringing branches up to date where the forge asks for it: one at a time per base, for each merge makes all others old."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tinytown.domain.pull import Updated
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import PullState, Verdict, WorkItem
from tinytown.planner import fixes
from tinytown.planner.backoff import quick_look_secs
from tinytown.planner.draft import Draft
from tinytown.planner.heads import base_of, bring_up_to_date, known_of
from tinytown.planner.holds import forge_failed, hold, is_backing_off
from tinytown.planner.merging import opened_at
from tinytown.planner.pulls import NO_ERRORS
from tinytown.planner.seen_mergeability import conflict_text
from tinytown.planner.settle import look_now
from tinytown.planner.stacking import is_stacked
from tinytown.planner.stage import Stage, is_to_be_merged, judgement, stage_of
from tinytown.planner.wants import Outcome, Refused, UpdateBranch

PATIENCE = timedelta(minutes=30)
"""How long one that is up to date and only waits for its checks keeps the others of its base waiting."""
MOST_UPDATES = 10
"""How often a branch is brought up to date before a person is asked: each time all checks run again."""
_LAG_SECS = 10


def update_behind(draft: Draft) -> None:
    """Want the first of each base brought up to date, unless another will be merged into that before."""
    for item, pull in _behind(draft):
        if is_backing_off(draft, item) or before(draft, item, pull) is not None:
            continue
        if pull.updates >= MOST_UPDATES:
            hold(draft, item, _too_often(draft, pull))
        else:
            draft.want(UpdateBranch(item_id=item.id, url=pull.url, known=known_of(draft, item, pull)))


def _too_often(draft: Draft, pull: PullState) -> str:
    return (
        f"its branch was brought up to date {pull.updates} times, and each time something else was merged into"
        f" {base_of(draft, pull)} first; a merge queue for that would help;"
        f" to go on: tt mission resume {draft.mission.id[:8]}"
    )


def before(draft: Draft, item: WorkItem, pull: PullState) -> WorkItem | None:
    """Another that goes into the same base first; then all that was checked against the base as it is would be old.

    One that was not checked for its base at all waits for nobody.
    """
    if pull.is_owed_update:
        return None
    base = base_of(draft, pull)
    older = [(other, its) for other, its in _behind(draft) if opened_at(other) < opened_at(item)]
    for other, its in sorted(older, key=lambda found: opened_at(found[0])):
        if base_of(draft, its) == base and not is_backing_off(draft, other):
            return other
    return _goes_first(draft, item, base)


def _behind(draft: Draft) -> list[tuple[WorkItem, PullState]]:
    found = [i for i in draft.unfinished() if stage_of(i, draft.mission.policy) is Stage.BEHIND]
    pulls = [(item, item.pull) for item in found if item.pull is not None]
    return [(item, pull) for item, pull in pulls if pull.is_owed_update or _is_next(draft, item)]


def _is_next(draft: Draft, item: WorkItem) -> bool:
    return not is_stacked(draft, item) and _is_preceded(draft, item)


def _is_preceded(draft: Draft, item: WorkItem) -> bool:
    return all(draft.items[dep].is_done for dep in item.depends_on)


def _goes_first(draft: Draft, item: WorkItem, base: str) -> WorkItem | None:
    for other in draft.unfinished():
        pull = other.pull
        if other.id == item.id or pull is None or base_of(draft, pull) != base:
            continue
        until = (pull.head_since or draft.now) + PATIENCE
        if draft.now < until and _goes_in_soon(draft, other, pull):
            draft.wake(until)
            return other
    return None


def _goes_in_soon(draft: Draft, item: WorkItem, pull: PullState) -> bool:
    """Whether nobody has to do anything any more before it is merged."""
    policy = draft.mission.policy
    if not is_to_be_merged(item, policy) or judgement(item, pull, policy) is not None:
        return False
    stage = stage_of(item, policy)
    if pull.is_behind and pull.mergeable is Verdict.PENDING:
        return False
    return stage in {Stage.MERGEABLE, Stage.MERGE} or (stage is Stage.CHECKS and pull.checks is Verdict.PENDING)


def updated(draft: Draft, outcome: Outcome, want: UpdateBranch) -> None:
    """Take in that a branch has its base in it, or why not."""
    item = draft.items[want.item_id]
    pull = item.pull
    if pull is None or item.is_done:
        return
    match outcome.found:
        case Updated(head=head) if pull.head == want.known.head:
            _moved(draft, item, pull, head)
        case Updated():
            look_now(draft, item.id, draft.now)
        case Refused(not_before=None) as refused:
            _refused(draft, item, pull, refused)
        case Refused() as refused:
            forge_failed(draft, item, _WHAT, refused)
        case _:
            pass


_WHAT = "bringing its branch up to date"


def _moved(draft: Draft, item: WorkItem, pull: PullState, head: str) -> None:
    item = draft.put(item.id, **NO_ERRORS)
    if head != pull.head:
        bring_up_to_date(draft, item, pull, head)
        return
    pull = msgspec.structs.replace(pull, mergeable=Verdict.UNKNOWN, is_owed_update=False)  # the forge lags
    draft.put(item.id, pull=pull)
    secs = quick_look_secs(_LAG_SECS, 1, draft.mission.policy.watch_interval_secs)
    look_now(draft, item.id, draft.now + timedelta(seconds=secs), WatchKind.MERGEABILITY)


def _refused(draft: Draft, item: WorkItem, pull: PullState, refused: Refused) -> None:
    """A conflict is looked at first: the head may have moved. One that is found again is to be mended."""
    is_told = refused.is_conflict and item.errors > 0
    verdict = Verdict.FAILED if is_told else Verdict.UNKNOWN
    item = draft.put(item.id, pull=msgspec.structs.replace(pull, mergeable=verdict))
    look_now(draft, item.id, draft.now, WatchKind.MERGEABILITY)
    if is_told:
        item = draft.put(item.id, **NO_ERRORS)
        text = conflict_text(base_of(draft, pull), refused.reason)
        fixes.request(draft, item, fixes.ask(draft, cause=fixes.CONFLICT, head=pull.head, text=text))
    else:
        forge_failed(draft, item, _WHAT, refused)
