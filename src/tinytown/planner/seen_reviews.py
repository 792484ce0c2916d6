"""What follows from what people and bots say of a pull request; each of their findings is handed over once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tinytown.domain.pull import Finding, ReviewSeen
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import PullState, Verdict, WorkItem
from tinytown.planner import fixes
from tinytown.planner.draft import Draft
from tinytown.planner.heads import put_pull
from tinytown.planner.stage import ANY_HEAD

MOST_AT_ONCE = 50
"""Findings in one request; the rest comes with the next."""
_DECIDED = frozenset({Verdict.PASSED, Verdict.FAILED})


def take_in(draft: Draft, kind: WatchKind, item: WorkItem, pull: PullState, seen: ReviewSeen) -> None:
    """A person's approval counts as the review; objections of people or bots are to be mended."""
    if kind is WatchKind.REVIEW_COMMENTS:
        _people(draft, item, pull, seen)
    elif seen.verdict is Verdict.FAILED:
        _object(draft, item, pull, seen, fixes.COMMENTS)
    elif seen.verdict is Verdict.PASSED:
        fixes.withdraw(draft, draft.items[item.id], fixes.COMMENTS)


def _people(draft: Draft, item: WorkItem, pull: PullState, seen: ReviewSeen) -> None:
    is_new = pull.people is not seen.verdict
    pull = msgspec.structs.replace(
        pull, people=seen.verdict, people_by=seen.by, ask_again=seen.ask_again, is_heard=True
    )
    item = put_pull(draft, item, pull)
    if seen.verdict not in _DECIDED or item.approved_head in {pull.head, ANY_HEAD}:
        return  # what a person approved here stays approved, whatever was objected to there before
    if is_new:
        draft.say(f"review.{seen.verdict.value}", f"{seen.by or 'somebody'} reviewed {item.key}", item=item.id)
    if seen.verdict is Verdict.FAILED:
        _object(draft, item, pull, seen, fixes.REVIEW)
    elif is_new:  # an approval of before does not take back what was said against it since
        fixes.withdraw(draft, item, fixes.REVIEW)


def _object(draft: Draft, item: WorkItem, pull: PullState, seen: ReviewSeen, cause: str) -> None:
    item = draft.items[item.id]
    asked = {told for fix in item.fixes if fix.cause == cause for told in fix.findings}
    new = [found for found in seen.findings if found.id not in pull.told or found.id in asked]
    if seen.findings and not new:
        return  # all of it was handed over; whether they are content now is theirs to say
    new = new[:MOST_AT_ONCE]
    text = _text(seen, new) if new else f"{seen.by or 'somebody'} objects:\n\n{seen.text}"
    findings = tuple(found.id for found in new)
    fixes.request(draft, item, fixes.ask(draft, cause=cause, head=seen.head, text=text, findings=findings))


def _text(seen: ReviewSeen, new: Sequence[Finding]) -> str:
    lines = [f"{seen.by or 'somebody'} objects:", *(found.text for found in new)]
    if older := len(seen.findings) - len(new):
        lines.append(f"({older} more of what was said is still open there; it is not repeated here.)")
    return "\n\n".join(lines)


def line_of(seen: ReviewSeen) -> str:
    """What the watch says of it."""
    words = f"comments: {_WORDS[seen.verdict]}" + (f" (by {seen.by})" if seen.by else "")
    return f"{words}; {seen.note}" if seen.note else words


_WORDS = {
    Verdict.UNKNOWN: "none yet",
    Verdict.PENDING: "pending",
    Verdict.PASSED: "passing",
    Verdict.FAILED: "failing",
}
