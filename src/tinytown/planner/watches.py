"""Watches: looking at pull requests when due, and what follows from what they show."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tinytown.domain.pull import ChecksSeen, MergeabilitySeen, ReviewSeen
from tinytown.domain.watch import Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import PullState, Verdict, WorkItem, WorkStatus
from tinytown.planner import fixes, unmerged
from tinytown.planner.backoff import watch_again_at
from tinytown.planner.draft import Draft
from tinytown.planner.holds import hold
from tinytown.planner.notices import tell_of_merge
from tinytown.planner.pulls import record_merge
from tinytown.planner.settle import new_head
from tinytown.planner.stage import ANY_HEAD
from tinytown.planner.wants import LookAt, Outcome, Refused

CLOSED = "its pull request was closed without merging; reopen it, or: tt mission approve {key}"


def look(draft: Draft) -> None:
    """Want a look for each watch that is due by time or by a signal; wake for the next one."""
    for watch in draft.watches.values():
        item = draft.items.get(watch.work_item_id)
        if watch.status is not WatchStatus.DONE and item is not None and _is_worth_a_look(item):
            _look(draft, watch, item)


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
        case Refused(reason=reason, is_temporary=is_temporary):
            _failed(draft, watch, item, reason, is_temporary=is_temporary)
        case ChecksSeen() if item.pull.is_checked_again and not want.is_again:
            pass  # seen before a person wanted them run again
        case ChecksSeen() as seen:
            _seen(draft, watch, _checks_line(seen))
            _checks(draft, item, _at_head(draft, item, item.pull, seen.head), seen)
        case MergeabilitySeen() as seen:
            _seen(draft, watch, _mergeable_line(seen))
            _mergeable(draft, item, item.pull, seen)
        case ReviewSeen() as seen:
            _seen(draft, watch, _review_line(seen))
            _comments(draft, watch.kind, item, _at_head(draft, item, item.pull, seen.head), seen)
        case _:
            pass


def _is_worth_a_look(item: WorkItem) -> bool:
    """While an agent changes the branch, what the forge says of the old head helps nobody."""
    return item.status is WorkStatus.BLOCKED or item.is_done


def _look(draft: Draft, watch: Watch, item: WorkItem) -> None:
    signal = draft.signals.get(watch.target_ref) if watch.status is WatchStatus.ACTIVE else None
    if signal is None and watch.next_due_at > draft.now:
        draft.wake(watch.next_due_at)
        return
    if watch.status is WatchStatus.SNOOZED:
        draft.put_watch(msgspec.structs.replace(watch, status=WatchStatus.ACTIVE))
    draft.want(
        LookAt(
            watch_id=watch.id,
            item_id=item.id,
            kind=watch.kind,
            target=watch.target_ref,
            signal=signal,
            is_again=watch.kind is WatchKind.PR_CHECKS and _is_to_be_run_again(item),
        )
    )


def _is_to_be_run_again(item: WorkItem) -> bool:
    """Checks that a person wants to be run again, or that could not be run, once a person said that it goes on."""
    if item.hold is not None or item.pull is None:
        return False
    return item.pull.is_checked_again or item.pull.checks_trouble != ""


def _seen(draft: Draft, watch: Watch, finding: str) -> None:
    due = draft.now + timedelta(seconds=watch.interval_secs)
    draft.put_watch(
        msgspec.structs.replace(
            watch, last_check_at=draft.now, next_due_at=due, consecutive_failures=0, finding=finding
        )
    )


def _failed(draft: Draft, watch: Watch, item: WorkItem, reason: str, *, is_temporary: bool) -> None:
    failures = watch.consecutive_failures + 1
    due = watch_again_at(draft.now, failures)
    draft.put_watch(
        msgspec.structs.replace(
            watch, last_check_at=draft.now, next_due_at=due, consecutive_failures=failures, finding=reason
        )
    )
    if not is_temporary:
        hold(draft, item, f"looking at its pull request failed: {reason}")


def _at_head(draft: Draft, item: WorkItem, pull: PullState, head: str) -> PullState:
    """The pull request at the head the forge has; a commit from elsewhere starts its verdicts anew."""
    if pull.head == head:
        return pull
    draft.say("pull.moved", f"PR #{pull.number} ({item.key}) has a new head {head[:10]}", item=item.id)
    new_head(draft, item, head)
    return fixes.forget_verdicts(pull, head)


def _put_pull(draft: Draft, item: WorkItem, pull: PullState) -> WorkItem:
    if draft.items[item.id].pull == pull:
        return draft.items[item.id]
    return draft.put(item.id, pull=pull)


def _checks(draft: Draft, item: WorkItem, pull: PullState, seen: ChecksSeen) -> None:
    now = msgspec.structs.replace(pull, checks=seen.verdict, checks_trouble=seen.trouble, is_checked_again=False)
    item = _put_pull(draft, item, now)
    if seen.trouble:
        hold(draft, item, _unrunnable(draft, seen.trouble))
        return
    if pull.checks_trouble and item.hold == _unrunnable(draft, pull.checks_trouble):
        item = draft.put(item.id, hold=None)
        draft.say("item.resumed", f"the checks of {item.key} are run again", item=item.id)
    if seen.verdict is not pull.checks and seen.verdict in _DECIDED:
        line = f"checks of {item.key} {seen.verdict.value}"
        draft.say(f"checks.{seen.verdict.value}", line, item=item.id)
    if seen.verdict is Verdict.FAILED:
        fixes.request(draft, item, cause=fixes.CHECKS, head=seen.head, text=_failure_text(seen))
    elif seen.verdict is not Verdict.UNKNOWN:
        fixes.withdraw(draft, item, fixes.CHECKS)


def _unrunnable(draft: Draft, trouble: str) -> str:
    return f"its checks cannot be run ({trouble}); mend that, then: tt mission resume {draft.mission.id[:8]}"


def _mergeable(draft: Draft, item: WorkItem, pull: PullState, seen: MergeabilitySeen) -> None:
    if seen.merged_as is not None:
        if pull.merged_as is None:
            record_merge(draft, item, pull, seen.merged_as)
            tell_of_merge(draft, item, pull, seen.notice)
        return
    if not seen.is_open:
        pull = msgspec.structs.replace(pull, is_open=False, mergeable=Verdict.UNKNOWN)
        hold(draft, _put_pull(draft, item, pull), CLOSED.format(key=item.typed))
        return
    pull = _at_head(draft, item, pull, seen.head)
    item = _put_pull(draft, item, msgspec.structs.replace(pull, mergeable=seen.verdict, is_open=True))
    if seen.verdict is Verdict.FAILED:
        fixes.request(draft, item, cause=fixes.CONFLICT, head=seen.head, text=_conflict_text(draft, seen))
    elif seen.verdict is Verdict.PASSED:
        fixes.withdraw(draft, item, fixes.CONFLICT)


def _comments(draft: Draft, kind: WatchKind, item: WorkItem, pull: PullState, seen: ReviewSeen) -> None:
    """A person's approval counts as the review; objections of people or bots are to be mended."""
    is_review = kind is WatchKind.REVIEW_COMMENTS
    if seen.verdict not in _DECIDED or (is_review and item.approved_head in {pull.head, ANY_HEAD}):
        return  # what a person approved here stays approved, whatever was objected to there before
    if is_review and pull.review is not seen.verdict:
        item = _put_pull(draft, item, msgspec.structs.replace(pull, review=seen.verdict))
        draft.say(f"review.{seen.verdict.value}", f"{seen.by or 'somebody'} reviewed {item.key}", item=item.id)
    cause = fixes.REVIEW if is_review else fixes.COMMENTS
    if seen.verdict is Verdict.FAILED:
        text = f"{seen.by or 'somebody'} objects:\n\n{seen.text}"
        fixes.request(draft, draft.items[item.id], cause=cause, head=seen.head, text=text)
    else:
        fixes.withdraw(draft, draft.items[item.id], cause)


_DECIDED = frozenset({Verdict.PASSED, Verdict.FAILED})


def _checks_line(seen: ChecksSeen) -> str:
    names = ", ".join(run.name for run in seen.runs if run.verdict is Verdict.FAILED)
    return f"CI check: {_WORDS[seen.verdict]}" + (f" ({names})" if names else "")


def _mergeable_line(seen: MergeabilitySeen) -> str:
    if seen.merged_as is not None:
        return "merged"
    return f"mergeability: {_WORDS[seen.verdict]}" + (f" ({seen.reason})" if seen.reason else "")


def _review_line(seen: ReviewSeen) -> str:
    return f"comments: {_WORDS[seen.verdict]}" + (f" (by {seen.by})" if seen.by else "")


_WORDS = {
    Verdict.UNKNOWN: "none yet",
    Verdict.PENDING: "pending",
    Verdict.PASSED: "passing",
    Verdict.FAILED: "failing",
}


def _failure_text(seen: ChecksSeen) -> str:
    failed = [run for run in seen.runs if run.verdict is Verdict.FAILED]
    told = [f"### {run.name}: {run.summary or 'failed'}\n\n{run.output.rstrip()}" for run in failed]
    return "\n\n".join((f"These checks failed at commit {seen.head}:", *told))


def _conflict_text(draft: Draft, seen: MergeabilitySeen) -> str:
    base = draft.mission.base
    return (
        f"The branch no longer merges into {base}: {seen.reason or 'conflict'}\n\n"
        f"Merge {base} into your branch, resolve the conflicts, keep both sides' intent, and commit."
    )
