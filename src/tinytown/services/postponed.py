"""Missions that cannot go on for now: not planned yet, or in trouble that has nothing to do with other missions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from tinytown.domain.errors import (
    AlreadyExistsError,
    ConfigError,
    ForgeError,
    ForgeUnavailableError,
    ProblemsError,
    StoreUnavailableError,
    TinytownError,
)
from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.mission import Help, Mission, MissionEvent, MissionState
from tinytown.planner.backoff import replan_at
from tinytown.planner.compile import Compiled
from tinytown.planner.draft import Draft
from tinytown.planner.trouble import put_off
from tinytown.services.commits import to_commit, to_snapshot
from tinytown.services.outside import told
from tinytown.services.planning import Plan, Planning
from tinytown.store.missions import Commit, MissionStore, Stored

log = structlog.get_logger("tinytown.dispatch")


class Unplanned:
    """Plans missions whose objectives could not be read when they were started."""

    def __init__(self, missions: MissionStore, planning: Planning, roles: Callable[[], frozenset[str]]) -> None:
        self._missions = missions
        self._planning = planning
        self._roles = roles

    def plan(self, stored: Stored, now: datetime) -> None:
        """Compile the mission; when what it is made of cannot be read just now, later and later again.

        Raises:
            StaleError, LeaseLostError: somebody else wrote it meanwhile.
        """
        mission = stored.mission
        if mission.next_wake_at is not None and mission.next_wake_at > now:
            self._missions.defer(stored, mission.next_wake_at)
            return
        plan = Plan(
            mission_id=mission.id, objectives=mission.objective_refs, manifest=mission.manifest, roles=self._roles()
        )
        try:
            compiled = self._planning.compile(plan, now)
            base = self._planning.base()
        except ForgeUnavailableError as error:
            self._plan_later(stored, error.message, now)
        except OSError as error:
            self._plan_later(stored, told(error), now)
        except (ProblemsError, ForgeError, ConfigError) as error:
            self._give_up(stored, error.message.replace("\n", "; "), now)
        else:
            try:
                self._begin(stored, compiled, base, now)
            except AlreadyExistsError as error:
                self._give_up(stored, error.message, now)

    def _plan_later(self, stored: Stored, reason: str, now: datetime) -> None:
        draft = Draft(to_snapshot(stored), now)
        _postpone(self._missions, stored, draft, reason, replan_at(now, stored.mission.created_at))

    def _give_up(self, stored: Stored, reason: str, now: datetime) -> None:
        failed = msgspec.structs.replace(
            stored.mission,
            state=MissionState.FAILED,
            blocked_reason=reason,
            next_wake_at=None,
            help=None,
            updated_at=now,
        )
        event = MissionEvent(at=now, type="mission.failed", text=f"mission is failed: {reason}")
        self._missions.commit(
            stored, Commit(mission=failed, events=(event,), withdrawn=_questions(stored.mission)), now, due=None
        )

    def _begin(self, stored: Stored, compiled: Compiled, base: str, now: datetime) -> None:
        running = msgspec.structs.replace(
            stored.mission,
            state=MissionState.RUNNING,
            blocked_reason=None,
            next_wake_at=now,
            help=None,
            base=base,
            objective_refs=compiled.objectives,
            updated_at=now,
        )
        event = MissionEvent(at=now, type="mission.started", text=f"{len(compiled.items)} items planned")
        warnings = [MissionEvent(at=now, type="mission.warning", text=warning) for warning in compiled.warnings]
        commit = Commit(
            mission=running,
            items=compiled.items,
            briefs=compiled.briefs,
            events=(event, *warnings),
            withdrawn=_questions(stored.mission),
        )
        self._missions.commit(stored, commit, now, due=now)


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A mission that could not be stepped."""

    since: datetime
    until: datetime
    """Not tried again before, unless something happens to it."""
    is_told: bool = False
    """Whether the mission's own record says so; one that cannot even be read is left alone until then."""
    help: Help | None = None
    """As it was asked for when the mission was put off last; a step that got half through has no need of it."""


class Troubles:
    """The missions of a town that one dispatcher cannot step, so that it can go on with the others."""

    def __init__(self, missions: MissionStore, dispatcher: str) -> None:
        self._missions = missions
        self._dispatcher = dispatcher
        self._known: dict[str, Trouble] = {}

    def is_left_alone(self, mission_id: str, now: datetime, *, is_due: bool) -> bool:
        """Whether the mission is not to be tried now; one that something happened to is due."""
        trouble = self._known.get(mission_id)
        return trouble is not None and now < trouble.until and not (is_due and trouble.is_told)

    def forget(self, mission_id: str) -> None:
        """The mission could be stepped."""
        self._known.pop(mission_id, None)

    def put_off(self, mission_id: str, reason: str, now: datetime) -> None:
        """Try the mission again later and later; its record says why, and help is asked when it lasts.

        Raises:
            StoreUnavailableError: the record cannot be written just now.
        """
        known = self._known.get(mission_id) or Trouble(since=now, until=now)
        trouble = msgspec.structs.replace(known, until=replan_at(now, known.since))
        log.error("the mission is put off", action="mission_trouble", mission=mission_id[:8], reason=reason)
        try:
            trouble = self._told(mission_id, reason, trouble, now)
        except StoreUnavailableError:
            raise
        except (TinytownError, msgspec.MsgspecError) as error:
            trouble = msgspec.structs.replace(trouble, is_told=False)
            log.warning("its record cannot say so", action="mission_trouble", mission=mission_id[:8], reason=str(error))
        self._known[mission_id] = trouble

    def _told(self, mission_id: str, reason: str, trouble: Trouble, now: datetime) -> Trouble:
        stored = self._missions.read(mission_id, dispatcher=self._dispatcher)
        if isinstance(stored, str) or not stored.mission.is_active:
            return msgspec.structs.replace(trouble, is_told=True)
        draft = Draft(to_snapshot(stored), now)
        draft.put_mission(help=draft.mission.help or trouble.help)
        return msgspec.structs.replace(
            trouble, is_told=True, help=_postpone(self._missions, stored, draft, reason, trouble.until)
        )


def _postpone(missions: MissionStore, stored: Stored, draft: Draft, reason: str, due: datetime) -> Help | None:
    put_off(draft, reason, due)
    missions.commit(stored, to_commit(stored, draft.changes()), draft.now, due=draft.wake_at)
    return draft.mission.help


def _questions(mission: Mission) -> tuple[tuple[str, str], ...]:
    """The messages that asked for help with what is over now."""
    return tuple((CONDUCTOR, question.id) for question in mission.help.questions) if mission.help else ()
