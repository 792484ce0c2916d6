"""Fix requests: why a branch must change. One per cause at a time, and a bound on how many rounds there are."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tinytown.domain.task import TaskKind, TaskState
from tinytown.domain.workitem import FixRequest, PullState, Verdict, WorkItem
from tinytown.planner.draft import Draft

CHECKS = "checks"
REVIEW = "review"
CONFLICT = "conflict"
COMMENTS = "comments"


MOST_TOLD = 500
"""Findings that are remembered as handed over."""


def ask(draft: Draft, *, cause: str, head: str, text: str, findings: tuple[str, ...] = ()) -> FixRequest:
    """A request made now."""
    return FixRequest(cause=cause, head=head, text=text, since=draft.now, findings=findings)


def request(draft: Draft, item: WorkItem, wanted: FixRequest) -> None:
    """Ask for a fix, unless the same is asked for already or being worked on."""
    asked = [fix for fix in item.fixes if fix.cause == wanted.cause]
    if any(fix.head == wanted.head and fix.text == wanted.text for fix in asked) or _is_in_work(draft, item, wanted):
        return
    kept = tuple(fix for fix in item.fixes if fix.cause != wanted.cause)
    draft.put(item.id, fixes=(*kept, wanted))
    draft.say("fix.requested", f"{item.key} must be mended ({wanted.cause})", item=item.id)


def with_told(item: WorkItem) -> PullState | None:
    """The item's pull request when the requests there are have been handed over."""
    if item.pull is None:
        return None
    told = dict.fromkeys((*item.pull.told, *(found for fix in item.fixes for found in fix.findings)))
    return msgspec.structs.replace(item.pull, told=tuple(told)[-MOST_TOLD:])


def withdraw(draft: Draft, item: WorkItem, cause: str) -> None:
    """Drop a request whose cause went away by itself."""
    if any(fix.cause == cause for fix in item.fixes):
        draft.put(item.id, fixes=tuple(fix for fix in item.fixes if fix.cause != cause))
        draft.say("fix.withdrawn", f"{item.key} need no longer be mended ({cause})", item=item.id)


def is_exhausted(draft: Draft, item: WorkItem) -> bool:
    """Whether the item has had all the fix rounds it gets."""
    return item.fix_rounds >= draft.mission.policy.max_fix_rounds


def awaits_review(draft: Draft, item: WorkItem) -> bool:
    """Whether somebody reviews the commit that is to be mended: what they say is mended with the rest."""
    review = draft.tasks.get(item.review_task_id or "")
    return review is not None and review.state is TaskState.RUNNING


def forget_verdicts(pull: PullState, head: str, since: datetime) -> PullState:
    """The pull request at `head`, with nothing known of it: approval of one commit does not cover the next.

    What a person objects to stands until they are content.
    """
    is_objected = pull.people is Verdict.FAILED
    return PullState(
        number=pull.number,
        url=pull.url,
        head=head,
        head_since=since,
        base=pull.base,
        base_since=pull.base_since,
        accepted_base=pull.accepted_base,
        is_owed_update=pull.is_owed_update,
        people=Verdict.FAILED if is_objected else Verdict.UNKNOWN,
        people_by=pull.people_by if is_objected else "",
        told=pull.told,
        opened_at=pull.opened_at,
        merged_as=pull.merged_as,
    )


def _is_in_work(draft: Draft, item: WorkItem, wanted: FixRequest) -> bool:
    task = draft.tasks.get(item.task_id or "")
    if task is None or task.spec.kind is not TaskKind.FIX:
        return False
    return wanted.cause in task.spec.causes and task.spec.head == wanted.head
