"""What an issue's status comment says: where its work stands, in Markdown that changes only when that does.

Whatever was written by others stands in code spans, where a forge neither notifies people nor links issues. Reasons
that agents, hooks and machines gave are left out: the issue may be public.
"""

from __future__ import annotations

from hashlib import sha256

from tinytown.domain.workitem import Verdict, WorkItem
from tinytown.planner.draft import Draft
from tinytown.planner.promote import open_outside
from tinytown.planner.stage import Stage, is_approved, needs_review, stage_of

MARKER = "<!-- tinytown:status -->"
"""The hidden line by which the comment is found again."""
MOST_QUOTED = 200
"""Characters of somebody else's words."""

_STATES = {
    Stage.DEPENDENCIES: "Waiting",
    Stage.AGENT: "Waiting",
    Stage.WORK: "In work",
    Stage.HELD: "Needs a person",
    Stage.FIX: "To be mended",
    Stage.PULL: "Handed in",
    Stage.CHECKS: "Being checked",
    Stage.REVIEW: "In review",
    Stage.PEOPLE: "Changes requested",
    Stage.BEHIND: "To be brought up to date",
    Stage.MERGEABLE: "To be merged",
    Stage.QUEUED: "In the merge queue",
    Stage.MERGE: "To be merged",
}
_MARKS = {Verdict.PASSED: "✅", Verdict.FAILED: "❌", Verdict.PENDING: "⏳", Verdict.UNKNOWN: "⬜"}


def text_of(draft: Draft, item: WorkItem) -> str:
    """The whole comment, without its marker."""
    parts = [f"**{_state(draft, item)}**"]
    agent = draft.agents.get(item.assigned_to or "")
    if agent is not None:
        parts.append(f"agent {_quoted(agent.name)}")
    if item.pull is not None:
        parts.append(f"[pull request {item.pull.number}]({item.pull.url})")
    lines = [" · ".join(parts)]
    if item.pull is not None and not item.is_merged:
        lines.append(_marks(draft, item))
    if (waits := _waits(draft, item)) is not None:
        lines.append(f"Waits for {waits}.")
    return "\n\n".join(lines) + "\n"


def digest(text: str) -> str:
    """Tells one text from another."""
    return sha256(text.encode()).hexdigest()[:16]


def _state(draft: Draft, item: WorkItem) -> str:
    if item.is_merged:
        return "Merged"
    if item.is_done:
        return "Ready to be merged" if item.pull is not None and item.pull.is_open else "Done"
    return _STATES[stage_of(item, draft.mission.policy)]


def _marks(draft: Draft, item: WorkItem) -> str:
    assert item.pull is not None  # noqa: S101  narrows the type: the caller asked
    pull = item.pull
    review = Verdict.PASSED if is_approved(item) else pull.reviewed
    marks = [f"{_MARKS[pull.checks]} checks"]
    if needs_review(item, draft.mission.policy) or review is not Verdict.UNKNOWN:
        marks.append(f"{_MARKS[review]} review")
    marks.append(f"{_MARKS[pull.mergeable]} merge")
    return " · ".join(marks)


def _waits(draft: Draft, item: WorkItem) -> str | None:
    """What it waits for, where its state does not say that already."""
    stage, pull = stage_of(item, draft.mission.policy), item.pull
    if stage is Stage.DEPENDENCIES:
        inside = [draft.items[dep].key for dep in item.depends_on if not draft.items[dep].is_done]
        outside = [dep.ref.label(draft.mission.home) for dep in open_outside(item)]
        return ", ".join(map(_quoted, (*inside, *outside))) or None
    if stage is Stage.FIX:
        return f"its agent to mend: {', '.join(dict.fromkeys(fix.cause for fix in item.fixes))}"
    plain = {Stage.HELD: f"a person: {_quoted(f'tt mission why {item.typed}')} says why", Stage.AGENT: "an agent"}
    if stage in plain or pull is None:
        return plain.get(stage)
    said = {Stage.CHECKS: pull.checks_note, Stage.PEOPLE: pull.people_by, Stage.MERGEABLE: pull.mergeable_note}
    return _quoted(said[stage]) if said.get(stage) else None


def _quoted(text: str) -> str:
    """Somebody else's words as a code span: on one line, cut, without a backtick that would end it."""
    plain = " ".join(text.replace("`", "'").split())
    cut = plain if len(plain) <= MOST_QUOTED else plain[: MOST_QUOTED - 1].rstrip() + "…"
    return f"`{cut or '?'}`"
