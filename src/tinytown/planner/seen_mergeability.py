"""What follows from how a pull request stands to its base: merged, closed, in conflict, behind, queued."""

from __future__ import annotations

import msgspec

from tinytown.domain.pull import MergeabilitySeen
from tinytown.domain.workitem import PullState, Verdict, WorkItem
from tinytown.planner import fixes
from tinytown.planner.draft import Draft
from tinytown.planner.heads import at_head, base_of, bring_up_to_date, put_pull
from tinytown.planner.holds import forge_failed, hold
from tinytown.planner.merging import record_merge
from tinytown.planner.notices import tell_of_merge
from tinytown.planner.settle import look_now
from tinytown.planner.stacking import rebased
from tinytown.planner.strays import lift_stray
from tinytown.planner.wants import Refused

CLOSED = "its pull request was closed without merging; reopen it, or: tt mission approve {key}"
THROWN_OUT = Refused(reason="it was thrown out of the merge queue", is_temporary=True, is_conflict=True)


def take_in(draft: Draft, item: WorkItem, pull: PullState, seen: MergeabilitySeen) -> None:
    """Take in whether and how the head merges."""
    if seen.merged_as is not None:
        if pull.merged_as is None:
            record_merge(draft, item, pull, seen.merged_as)
            tell_of_merge(draft, item, pull, seen.notice)
    elif not seen.is_open:
        pull = msgspec.structs.replace(
            pull, is_open=False, is_queued=False, is_entered=False, mergeable=Verdict.UNKNOWN
        )
        hold(draft, put_pull(draft, item, pull), _closed(item))
    else:
        item = _reopened(draft, item)
        if seen.is_update and seen.head != pull.head:
            pull = bring_up_to_date(draft, item, pull, seen.head)
        _open(draft, item, at_head(draft, item, pull, seen.head), seen)


def _closed(item: WorkItem) -> str:
    return CLOSED.format(key=item.typed)


def _reopened(draft: Draft, item: WorkItem) -> WorkItem:
    """A person who reopens it has decided."""
    if item.hold != _closed(item):
        return item
    draft.say("item.resumed", f"the pull request of {item.key} is open again", item=item.id)
    return draft.put(item.id, hold=None)


def _open(draft: Draft, item: WorkItem, pull: PullState, seen: MergeabilitySeen) -> None:
    was_queued, was_open = pull.is_queued, pull.is_open
    if seen.base is not None and seen.base != base_of(draft, pull):
        draft.say("pull.retargeted", f"PR #{pull.number} ({item.key}) goes into {seen.base} now", item=item.id)
        lift_stray(draft, item, pull)
        pull = rebased(draft, item, pull, seen.base)
    pull = msgspec.structs.replace(
        pull,
        is_open=True,
        mergeable=seen.verdict,
        mergeable_note="" if seen.verdict is Verdict.PASSED else seen.reason,
        is_behind=seen.is_behind,
        is_queued=seen.is_queued,
        is_entered=pull.is_entered and seen.is_queued,
    )
    item = put_pull(draft, item, pull)
    if not was_open:
        look_now(draft, item.id, draft.now)  # nobody looked at more while it was closed
    if was_queued and not seen.is_queued:
        _thrown_out(draft, item, pull)
    if seen.verdict is Verdict.FAILED:
        text = conflict_text(base_of(draft, pull), seen.reason)
        fixes.request(draft, item, fixes.ask(draft, cause=fixes.CONFLICT, head=seen.head, text=text))
    elif seen.verdict is Verdict.PASSED:
        fixes.withdraw(draft, item, fixes.CONFLICT)


def _thrown_out(draft: Draft, item: WorkItem, pull: PullState) -> None:
    """Its checks may say why: they are looked at anew before it is merged again, later and later."""
    put_pull(draft, item, msgspec.structs.replace(pull, checks=Verdict.UNKNOWN))
    forge_failed(draft, draft.items[item.id], "merging", THROWN_OUT)
    look_now(draft, item.id, draft.now)


def line_of(seen: MergeabilitySeen) -> str:
    """What the watch says of it."""
    if seen.merged_as is not None:
        return "merged"
    if seen.is_queued:
        return "in the merge queue"
    word = "behind its base" if seen.is_behind else _WORDS[seen.verdict]
    return f"mergeability: {word}" + (f" ({seen.reason})" if seen.reason else "")


_WORDS = {
    Verdict.UNKNOWN: "none yet",
    Verdict.PENDING: "pending",
    Verdict.PASSED: "passing",
    Verdict.FAILED: "failing",
}


def conflict_text(base: str, reason: str) -> str:
    """What the agent is asked to do about a conflict."""
    return (
        f"The branch no longer merges into {base}: {reason or 'conflict'}\n\n"
        f"Merge {base} into your branch, resolve the conflicts, keep both sides' intent, and commit."
    )
