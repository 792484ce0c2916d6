"""Asking the conductor for help with what nobody else can resolve."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.message import Message, MessageKind
from tinytown.domain.mission import Help
from tinytown.planner.backoff import ask_again_at
from tinytown.planner.draft import Draft

DISPATCHER = "dispatcher"


def ask(draft: Draft, cause: str | None, *, first_at: datetime) -> None:
    """Ask the conductor once, then with growing pauses for as long as the cause lasts.

    Args:
        draft: the mission that is stuck.
        cause: on what, in one sentence that stays the same while it lasts; None when on nothing.
        first_at: when to ask first if the cause is a new one.
    """
    if cause is None:
        draft.put_mission(help=None)
        return
    known = draft.mission.help
    if known is None or known.cause != cause:
        known = Help(cause=cause, since=draft.now, ask_at=first_at)
    if known.ask_at <= draft.now:
        _send(draft, cause, known.times_asked)
        asked = known.times_asked + 1
        known = msgspec.structs.replace(known, times_asked=asked, ask_at=ask_again_at(draft.now, asked))
    draft.put_mission(help=known)
    draft.wake(known.ask_at)


def _send(draft: Draft, cause: str, times_asked: int) -> None:
    run = draft.mission.id[:8]
    text = (
        f"Mission {run} is stuck: {cause}\n"
        f'Answer with: tt mission note {run} "resume …", "pause …" or "redirect ITEM to AGENT …"'
    )
    draft.send(
        Message(
            id=draft.next_id("help", cause, draft.now.isoformat()),
            to=CONDUCTOR,
            sender=DISPATCHER,
            kind=MessageKind.QUERY,
            text=text,
            sent_at=draft.now,
            is_urgent=times_asked == 0,
            mission_id=draft.mission.id,
        )
    )
    draft.say("help.asked", f"asked the conductor for help: {cause}")
