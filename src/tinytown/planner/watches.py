"""Watches: looking at pull requests when due, and what follows from what they show."""

from __future__ import annotations

import msgspec

from tinytown.domain.pull import ChecksSeen, MergeabilitySeen, ReviewSeen
from tinytown.domain.watch import Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import PullState, WorkItem, WorkStatus
from tinytown.planner import seen_checks, seen_mergeability, seen_reviews, unmerged
from tinytown.planner.draft import Draft
from tinytown.planner.heads import at_head, known_of
from tinytown.planner.holds import hold
from tinytown.planner.looks import after_look, after_refusal
from tinytown.planner.wants import LookAt, Outcome, Refused


def look(draft: Draft) -> None:
    """Want a look for each watch that is due by time or by a signal; wake for the next one."""
    for watch in draft.watches.values():
        item = draft.items.get(watch.work_item_id)
        if watch.status is WatchStatus.DONE or item is None or item.pull is None:
            continue
        if _is_worth_a_look(item, item.pull, watch):
            _look(draft, watch, item, item.pull)


def looked(draft: Draft, outcome: Outcome, want: LookAt) -> None:
    """Take in what a look showed."""
    watch, item = draft.watches.get(want.watch_id), draft.items.get(want.item_id)
    if watch is None or item is None or item.pull is None or watch.status is WatchStatus.DONE:
        return
    if want.signal is not None:
        draft.answer(want.target, want.signal)
    if item.is_done:
        unmerged.looked(draft, watch, item, outcome)
        return
    match outcome.found:
        case Refused() as refused:
            _failed(draft, watch, item, refused)
        case MergeabilitySeen() as seen if seen.merged_as is not None or not _is_outdated(want, item.pull, seen.head):
            draft.put_watch(after_look(draft, watch, seen_mergeability.line_of(seen), seen.again_secs))
            seen_mergeability.take_in(draft, item, item.pull, seen)
        case ChecksSeen() as seen if not _is_outdated(want, item.pull, seen.head):
            _checked(draft, watch, item, item.pull, seen, is_again=want.is_again)
        case ReviewSeen() as seen if not _is_outdated(want, item.pull, seen.head):
            draft.put_watch(after_look(draft, watch, seen_reviews.line_of(seen)))
            seen_reviews.take_in(draft, watch.kind, item, at_head(draft, item, item.pull, seen.head), seen)
        case _:
            pass


def _is_outdated(want: LookAt, pull: PullState, head: str) -> bool:
    """Whether it was asked before the head moved: then what it says of another head is no news."""
    return want.known is not None and want.known.head != pull.head != head


def _checked(draft: Draft, watch: Watch, item: WorkItem, pull: PullState, seen: ChecksSeen, *, is_again: bool) -> None:
    is_before = pull.is_checked_again and not is_again  # seen before they were to be run again
    if not is_before or item.hold is not None:
        draft.put_watch(after_look(draft, watch, seen_checks.line_of(seen), seen.again_secs))
    if not is_before:
        seen_checks.take_in(draft, item, at_head(draft, item, pull, seen.head), seen)


def _is_worth_a_look(item: WorkItem, pull: PullState, watch: Watch) -> bool:
    """While an agent changes the branch, what the forge says of the old head helps nobody.

    Of a closed pull request nothing matters but whether somebody opens or merges it.
    """
    if not pull.is_open and watch.kind is not WatchKind.MERGEABILITY:
        return False
    return item.status is WorkStatus.BLOCKED or item.is_done


def _look(draft: Draft, watch: Watch, item: WorkItem, pull: PullState) -> None:
    signal = draft.signals.get(watch.target_ref) if watch.status is WatchStatus.ACTIVE else None
    if signal is None and watch.next_due_at > draft.now:
        draft.wake(watch.next_due_at)
        return
    if signal is not None and watch.next_due_at > draft.now:  # another look may answer it before this one is back
        draft.put_watch(msgspec.structs.replace(watch, next_due_at=draft.now))
    if watch.status is WatchStatus.SNOOZED:
        draft.put_watch(msgspec.structs.replace(watch, status=WatchStatus.ACTIVE))
    draft.want(
        LookAt(
            watch_id=watch.id,
            item_id=item.id,
            kind=watch.kind,
            target=watch.target_ref,
            known=msgspec.structs.replace(known_of(draft, item, pull), is_thorough=signal is not None),
            signal=signal,
            is_again=watch.kind is WatchKind.PR_CHECKS and _is_to_be_run_again(item, pull),
        )
    )


def _is_to_be_run_again(item: WorkItem, pull: PullState) -> bool:
    """Checks that are wanted again, or that could not be run, once a person said that it goes on."""
    return item.hold is None and (pull.is_checked_again or pull.checks_trouble != "")


def _failed(draft: Draft, watch: Watch, item: WorkItem, refused: Refused) -> None:
    draft.put_watch(after_refusal(draft, watch, refused))
    if not refused.is_temporary:
        hold(draft, item, f"looking at its pull request failed: {refused.reason}")
