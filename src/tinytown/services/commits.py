"""From what the planner decided to what the store writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from tinytown.domain.errors import StaleError
from tinytown.planner.draft import Changes, Draft
from tinytown.planner.snapshot import Snapshot
from tinytown.store.missions import Commit, Handed, MissionStore, Stored, targets

T = TypeVar("T")

MAX_TRIES = 20
"""How often a person's command is planned again because the mission moved on meanwhile."""


def to_snapshot(stored: Stored) -> Snapshot:
    """What the planner sees of a mission."""
    return Snapshot(
        mission=stored.mission,
        items=stored.items,
        watches=stored.watches,
        tasks=stored.tasks,
        agents=stored.agents,
        signals=stored.signals,
    )


def to_commit(before: Stored, changes: Changes) -> Commit:
    """What the store writes for a decision."""
    old = targets(before.watches)
    new = targets({**before.watches, **{watch.id: watch for watch in changes.watches}})
    return Commit(
        mission=changes.mission,
        items=changes.items,
        watches=changes.watches,
        given=[Handed(spec=g.spec, agent_id=g.agent_id, load=g.expected_load) for g in changes.given],
        cancelled=[(c.task_id, c.reason) for c in changes.cancelled],
        settled=changes.settled,
        answered=changes.answered,
        messages=changes.messages,
        withdrawn=changes.withdrawn,
        events=changes.events,
        watched=sorted(new - old),
        unwatched=sorted(old - new),
    )


def command(store: MissionStore, mission_id: str, act: Callable[[Draft], T], clock: Callable[[], datetime]) -> T:
    """Carry out a person's command on a mission: read, change a draft, commit; again when the mission moved on.

    The mission is due at once, so that a dispatcher follows up.

    Raises:
        StaleError: it moved on each time; nothing was written. And whatever `act` refuses with.
    """
    for _ in range(MAX_TRIES):
        stored = store.read(mission_id)
        assert isinstance(stored, Stored)  # noqa: S101  without a dispatcher there is no lease to be held
        now = clock()
        draft = Draft(to_snapshot(stored), now)
        result = act(draft)
        draft.wake(now)
        try:
            store.commit(stored, to_commit(stored, draft.changes()), now, due=now)
        except StaleError:
            continue
        return result
    raise StaleError("the mission changes faster than the command can be carried out; try again")
