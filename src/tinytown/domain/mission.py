"""The mission: the top-level record of one orchestration."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from tinytown.domain.forge import ForgeTraits
from tinytown.domain.lifecycle import Lifecycle
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.refs import ObjectiveRef


class MissionState(Enum):
    """Where a mission stands."""

    PLANNING = "planning"
    """Compiling the work graph from its objectives."""
    RUNNING = "running"
    """Items can move."""
    BLOCKED = "blocked"
    """Nothing can move until something outside happens, or a person says so."""
    COMPLETED = "completed"
    """Every item is done."""
    FAILED = "failed"
    """It cannot be carried out."""


MISSION_LIFECYCLE = Lifecycle(
    "the mission",
    MissionState.PLANNING,
    {
        MissionState.PLANNING: (MissionState.RUNNING, MissionState.BLOCKED, MissionState.FAILED),
        MissionState.RUNNING: (MissionState.BLOCKED, MissionState.COMPLETED, MissionState.FAILED),
        MissionState.BLOCKED: (
            MissionState.PLANNING,
            MissionState.RUNNING,
            MissionState.COMPLETED,
            MissionState.FAILED,
        ),
        MissionState.COMPLETED: (MissionState.RUNNING,),
        MissionState.FAILED: (),
    },
)

ACTIVE_STATES = frozenset({MissionState.PLANNING, MissionState.RUNNING, MissionState.BLOCKED})


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A message to the conductor that may still need an answer."""

    id: str
    causes: tuple[str, ...]
    """What it asks about; when nothing of it lasts, it is taken out of the inbox."""


class Help(msgspec.Struct, frozen=True, kw_only=True):
    """What the dispatcher is stuck on, and how often it has asked for help with it."""

    cause: str
    """All that it needs help with now, in one line."""
    causes: tuple[str, ...] = ()
    """The same one by one; wholly different ones start anew."""
    since: datetime
    """When the cause was first seen."""
    times_asked: int = 0
    ask_at: datetime
    """When it asks (again) about all of it."""
    new_at: datetime | None = None
    """When it asks about causes that came after the question."""
    questions: tuple[Question, ...] = ()
    """Messages that are in the conductor's inbox, unless they were read."""


class Mission(msgspec.Struct, frozen=True, kw_only=True):
    """A mission's own record, without its items and watches."""

    id: str
    objective_refs: tuple[ObjectiveRef, ...]
    state: MissionState
    policy: MissionPolicy
    created_at: datetime
    updated_at: datetime
    next_wake_at: datetime | None = None
    """When the dispatcher looks again at the latest, whatever happens before."""
    blocked_reason: str | None = None
    home: tuple[str, str] = ("local", "repo")
    """(owner, repo) in which the work is done; `#5` alone means an issue there."""
    base: str = "main"
    """The branch that pull requests go into."""
    traits: ForgeTraits = ForgeTraits()
    """What its forge can do."""
    version: int = 0
    """Rises with each commit; a commit that planned from an older one is refused."""
    trouble: str | None = None
    """Why dispatchers cannot step it at present; nothing about it can be decided meanwhile."""
    is_paused: bool = False
    """Stopped by a person: what runs may finish, nothing new starts."""
    help: Help | None = None
    quota_told: datetime | None = None
    """When the forge's quota begins anew of which it was last said that it is low."""
    manifest: str | None = None
    """Text of the mission.toml it was started with."""
    notes: tuple[str, ...] = ()
    """What operators said to every item, newest last."""

    @property
    def is_active(self) -> bool:
        """Whether it still has something to do."""
        return self.state in ACTIVE_STATES


class MissionEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a mission's activity log."""

    at: datetime
    type: str
    """What happened, as a stable dotted name such as `item.assigned`."""
    text: str
    """The same for people, one line."""
    item_id: str | None = None
    agent_id: str | None = None
    task_id: str | None = None
