"""The head commit of a pull request: what a forge is told of it, and what becomes of verdicts when it moves."""

from __future__ import annotations

import msgspec

from tinytown.domain.pull import Known
from tinytown.domain.workitem import PullState, Verdict, WorkItem
from tinytown.planner import fixes
from tinytown.planner.draft import Draft
from tinytown.planner.settle import look_now, new_head
from tinytown.planner.sources import closes


def base_of(draft: Draft, pull: PullState) -> str:
    """The branch that a pull request goes into."""
    return pull.base or draft.mission.base


def known_of(draft: Draft, item: WorkItem, pull: PullState) -> Known:
    """What the mission knows of an item's pull request, for a forge that may lag behind it."""
    return Known(
        head=pull.head,
        branch=item.branch,
        base=base_of(draft, pull),
        since=pull.head_since,
        told=pull.told,
        base_since=pull.base_since,
        closes=closes(draft, item),
        at=draft.now,
    )


def put_pull(draft: Draft, item: WorkItem, pull: PullState) -> WorkItem:
    """The item with its pull request as given; untouched when it is that already."""
    if draft.items[item.id].pull == pull:
        return draft.items[item.id]
    return draft.put(item.id, pull=pull)


def at_head(draft: Draft, item: WorkItem, pull: PullState, head: str) -> PullState:
    """The pull request at the head the forge has; a commit from elsewhere starts its verdicts anew."""
    if pull.head == head:
        return pull
    draft.say("pull.moved", f"PR #{pull.number} ({item.key}) has a new head {head[:10]}", item=item.id)
    new_head(draft, item, head)
    return fixes.forget_verdicts(pull, head, draft.now)


def bring_up_to_date(draft: Draft, item: WorkItem, pull: PullState, head: str) -> PullState:
    """The branch has its base merged in at `head`: checks begin anew, what people said of it stays said."""
    review = draft.tasks.get(item.review_task_id or "")
    if review is not None and review.is_open:
        draft.cancel(review, f"{item.key} was brought up to date with its base")
        draft.put(item.id, review_task_id=None)
    moved = fixes.forget_verdicts(pull, head, draft.now)
    carried = msgspec.structs.replace(
        moved,
        checks=Verdict.PENDING,
        review=pull.review,
        people=pull.people,
        people_by=pull.people_by,
        is_heard=pull.is_heard,
        is_owed_update=False,
        updates=pull.updates + 1,
    )
    draft.put(
        item.id,
        pull=carried,
        submitted=head,
        approved_head=head if item.approved_head == pull.head else item.approved_head,
        merge_head=head if item.merge_head == pull.head else item.merge_head,
    )
    line = f"PR #{pull.number} ({item.key}) is brought up to date with {base_of(draft, pull)}, at {head[:10]}"
    draft.say("pull.updated", line, item=item.id)
    look_now(draft, item.id, draft.now)
    return carried
