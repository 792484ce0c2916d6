"""Telling the conductor, once, what a person should know."""

from __future__ import annotations

from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.message import Message, MessageKind
from tinytown.domain.workitem import PullState, WorkItem
from tinytown.planner.draft import Draft
from tinytown.planner.help import DISPATCHER


def tell_of_merge(draft: Draft, item: WorkItem, pull: PullState, notice: str) -> None:
    """Say in the log and to the conductor what a merge left for a person to do; nothing when that is nothing."""
    if not notice:
        return
    draft.say("merge.notice", notice, item=item.id)
    tell_conductor(draft, f"PR #{pull.number} ({item.key}) was merged: {notice}", item.id, pull.number, notice)


def tell_conductor(draft: Draft, text: str, *about: object) -> None:
    """Send the conductor something to know, once for what it is about."""
    draft.send(
        Message(
            id=draft.next_id("notice", *about),
            to=CONDUCTOR,
            sender=DISPATCHER,
            kind=MessageKind.INFO,
            text=text,
            sent_at=draft.now,
            mission_id=draft.mission.id,
        )
    )
