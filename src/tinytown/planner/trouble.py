"""Missions about which nothing can be decided at present, for a reason that is not theirs alone to resolve."""

from __future__ import annotations

from datetime import datetime, timedelta

from tinytown.domain.mission import MissionState
from tinytown.planner.draft import Draft
from tinytown.planner.help import ask

PATIENCE = timedelta(minutes=5)
"""How long such trouble may last before help is asked: most of it is over by then."""


def put_off(draft: Draft, reason: str, due: datetime) -> None:
    """Say why the mission does not go on, look again at `due`, and ask for help when that lasts."""
    draft.wake(due)
    if draft.mission.is_paused:
        return
    if draft.mission.state is MissionState.PLANNING:
        draft.put_mission(blocked_reason=reason)
    else:
        draft.put_mission(trouble=reason)
        draft.move_mission(MissionState.BLOCKED, reason)
    ask(draft, (reason,), first_at=draft.now + PATIENCE)
