"""Fix requests: why a branch must change. One per cause at a time, and a bound on how many rounds there are."""

from __future__ import annotations

from tinytown.domain.task import TaskKind, TaskState
from tinytown.domain.workitem import FixRequest, PullState, WorkItem
from tinytown.planner.draft import Draft

CHECKS = "checks"
REVIEW = "review"
CONFLICT = "conflict"
COMMENTS = "comments"


def request(draft: Draft, item: WorkItem, *, cause: str, head: str, text: str) -> None:
    """Ask for a fix, unless the same is asked for already or being worked on."""
    asked = [fix for fix in item.fixes if fix.cause == cause]
    if any(fix.head == head and fix.text == text for fix in asked) or _is_in_work(draft, item, cause, head):
        return
    kept = tuple(fix for fix in item.fixes if fix.cause != cause)
    fix = FixRequest(cause=cause, head=head, text=text, since=draft.now)
    draft.put(item.id, fixes=(*kept, fix))
    draft.say("fix.requested", f"{item.key} must be mended ({cause})", item=item.id)


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


def forget_verdicts(pull: PullState, head: str) -> PullState:
    """The pull request at `head`, with nothing known of it: approval of one commit does not cover the next."""
    return PullState(number=pull.number, url=pull.url, head=head, opened_at=pull.opened_at, merged_as=pull.merged_as)


def _is_in_work(draft: Draft, item: WorkItem, cause: str, head: str) -> bool:
    task = draft.tasks.get(item.task_id or "")
    if task is None or task.spec.kind is not TaskKind.FIX:
        return False
    return cause in task.spec.causes and task.spec.head == head
