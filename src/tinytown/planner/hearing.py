"""Reading what people said below an issue since it was read last, before its next prompt is made.

It reaches agents as text of others, never the mission as a directive.
"""

from __future__ import annotations

from datetime import timedelta

from tinytown.domain.issue import Remark
from tinytown.domain.workitem import WorkItem
from tinytown.planner.draft import Draft
from tinytown.planner.sources import closes
from tinytown.planner.wants import Hear, Heard, Outcome, Refused

FRESH = timedelta(minutes=1)
"""What was read for a task is new enough for it so long."""
MOST = 30
"""Remarks that an item keeps, the newest."""


def must_hear(draft: Draft, item: WorkItem) -> bool:
    """Whether the item's issue is to be read before a task of it is given out; if so, that is wanted."""
    if not draft.mission.traits.hears or item.heard_at is None:
        return False
    if item.heard_for == item.tasks_given + 1 and draft.now - item.heard_at <= FRESH:
        return False
    refs = closes(draft, item)
    for ref in refs:
        draft.want(Hear(item_id=item.id, ref=ref))
    return bool(refs)


def heard(draft: Draft, outcome: Outcome, want: Hear) -> None:
    """Take in what was said; work does not wait for what cannot be read now."""
    item = draft.items.get(want.item_id)
    if item is None:
        return
    match outcome.found:
        case Heard(remarks=remarks):
            _add(draft, item, tuple(one for one in remarks if _is_new(one, item)))
        case Refused():
            _add(draft, item, ())
        case _:
            pass


def for_fix(item: WorkItem) -> tuple[Remark, ...]:
    """What its agent has not been told yet."""
    return item.remarks[item.remarks_given :]


def _is_new(remark: Remark, item: WorkItem) -> bool:
    return remark.at is not None and (item.heard_until is None or remark.at > item.heard_until)


def _add(draft: Draft, item: WorkItem, new: tuple[Remark, ...]) -> None:
    remarks = (*item.remarks, *new)
    dropped = max(0, len(remarks) - MOST)
    until = max((one.at for one in new if one.at is not None), default=item.heard_until)
    draft.put(
        item.id,
        remarks=remarks[dropped:],
        remarks_given=max(0, item.remarks_given - dropped),
        heard_at=draft.now,
        heard_for=item.tasks_given + 1,
        heard_until=until,
        updated_at=item.updated_at,
    )
