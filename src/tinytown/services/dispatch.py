"""The dispatcher: reads a mission, lets the planner decide, commits, does what is wanted outside, and again.

Any number may run: a mission's lease and version see to it that one of them writes at a time, and what they do outside
finds its own footprint when it is done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter

import msgspec
import structlog

from tinytown.domain.errors import (
    ConflictError,
    LeaseLostError,
    NotFoundError,
    StaleError,
    StoreUnavailableError,
    TinytownError,
)
from tinytown.domain.mission import MissionState
from tinytown.domain.watch import WatchStatus
from tinytown.forges.base import Forge
from tinytown.planner import closing, telling
from tinytown.planner.tick import Decision, decide
from tinytown.planner.wants import Outcome, Want
from tinytown.runtime.outage import Outage
from tinytown.services.commits import to_commit, to_snapshot
from tinytown.services.outside import carry_out_all, told
from tinytown.services.planning import Planning
from tinytown.services.postponed import Troubles, Unplanned
from tinytown.services.presence import Presence
from tinytown.store.dispatchers import Dispatcher as Record
from tinytown.store.dispatchers import DispatcherStore, Due, StepOutcome, Took
from tinytown.store.events import EventStream
from tinytown.store.missions import MissionStore, Stored

log = structlog.get_logger("tinytown.dispatch")

MAX_ROUNDS = 25
"""Decisions about one mission in a row before others have their turn."""
MAX_REFUSALS = 3
"""Decisions about one mission that may be refused because an agent moved on, before it has a rest."""
REFUSED_PAUSE_SECS = 1.0
LIVENESS_SECS = 5.0
"""How soon a dead host is noticed at the latest: nobody sends an event when it is killed."""
HELD_PAUSE_SECS = 5.0
"""How soon a mission that another dispatcher has is tried again."""
BUG_LIMIT = 200
"""Most characters of a bug's own words in a mission's record."""
OUTAGE_PAUSE_SECS = 1.0
"""How soon a store that did not answer is tried again."""

_REFUSALS: Mapping[type[TinytownError], StepOutcome] = {
    StaleError: "stale",
    LeaseLostError: "lease",
    ConflictError: "conflict",
}


class DispatchTools(msgspec.Struct, frozen=True, kw_only=True):
    """What a dispatcher is made of; put together by bootstrap."""

    record: Record
    missions: MissionStore
    dispatchers: DispatcherStore
    events: EventStream
    forge: Forge
    planning: Planning
    roles: Callable[[], frozenset[str]]
    ensure_host: Callable[[], None]
    """Starts this machine's host when agents or checks need it and it does not run."""
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    """Seconds to wait while there is no store whose events could be waited for."""
    presence: Presence
    tick_secs: Callable[[], float]


class Dispatcher:
    """One dispatcher process's loop, and the single steps of it; it supervises missions, and outlives bugs they meet."""

    def __init__(self, tools: DispatchTools) -> None:
        self._tools = tools
        self._steps = 0
        self._last_step_ms = 0.0
        self._untold: list[Took] = []
        self._swept_at: datetime | None = None
        self._is_announced = False
        self._next_at: datetime | None = None
        self._troubles = Troubles(tools.missions, tools.record.id)
        self._outage = Outage(log)

    def tick(self, *, is_full: bool) -> Due:
        """Step every mission that is due, or every active one.

        Returns:
            What the heartbeat before it found; next is due what was then, or what the steps put off.
        """
        self._announce()
        self._next_at = None
        due = self._tools.dispatchers.beat(self._record(), self._tools.clock(), self._untold)
        self._untold.clear()
        self._tools.ensure_host()
        wanted = dict.fromkeys((*due.active, *due.missions) if is_full else due.missions)
        steps = [self._step_apart(i, is_due=i in due.missions) for i in wanted]
        if not all(steps):
            self._wake(self._tools.clock() + timedelta(seconds=HELD_PAUSE_SECS))
        if due.next_at is not None:
            self._wake(due.next_at)
        return msgspec.structs.replace(due, next_at=self._next_at)

    def _wake(self, at: datetime) -> None:
        """Tick again no later than `at`."""
        self._next_at = min(self._next_at or at, at)

    def loop(
        self,
        should_stop: Callable[[], bool],
        on_tick: Callable[[], None] = lambda: None,
        waiting: AbstractContextManager[object] | None = None,
    ) -> None:
        """Tick whenever something is due or an event came, and in full every `tick_secs`, until told to stop.

        A store that does not answer is waited for.

        Args:
            should_stop: asked before and after each tick.
            on_tick: called after each tick.
            waiting: entered while nothing is done but waiting; leaving it early, by an exception that it takes care
                of, ends the wait.
        """
        waiting = waiting or nullcontext()
        try:
            while not should_stop():
                wait = self._round(on_tick)
                if should_stop():
                    return
                with waiting:
                    self._wait(wait)
        finally:
            with suppress(StoreUnavailableError):  # then its trace on disk tells whoever comes next
                self.leave()

    def _round(self, on_tick: Callable[[], None]) -> Callable[[], object]:
        """Tick; how to wait for the next one."""
        try:
            due = self._tick_in_time()
            self._outage.is_over()
            on_tick()
        except StoreUnavailableError as error:
            return partial(self._sit_out, error)
        return partial(self._tools.events.wait, self._pause(due))

    def _tick_in_time(self) -> Due:
        """A tick, which is a full one when none was for long."""
        now = self._tools.clock()
        is_full = self._swept_at is None or now - self._swept_at >= timedelta(seconds=self._tools.tick_secs())
        if is_full:
            self._swept_at = now
        return self.tick(is_full=is_full)

    def _wait(self, wait: Callable[[], object]) -> None:
        try:
            wait()
        except StoreUnavailableError as error:
            self._sit_out(error)

    def _sit_out(self, error: StoreUnavailableError) -> None:
        """Wait for a store that does not answer; then look at everything, for events may have been missed."""
        self._outage.goes_on(error.message)
        self._swept_at = None
        self._tools.sleep(OUTAGE_PAUSE_SECS)

    def leave(self) -> None:
        """Take the heartbeat and the leases back: this dispatcher ends in order."""
        self._tools.dispatchers.leave(self._tools.record.id, steps=self._steps, took=self._untold)
        self._untold.clear()
        self._tools.presence.withdraw()

    def _announce(self) -> None:
        """Be seen to live, and let go of what dispatchers held that were killed here."""
        if not self._is_announced:
            self._tools.presence.announce(self._tools.record.id)
            self._is_announced = True
        for name in self._tools.presence.dead():
            self._tools.dispatchers.leave(name)
            self._tools.presence.forget(name)
            log.info("a dispatcher was killed, its missions are taken over", action="dispatcher_dead", dispatcher=name)

    def _step_apart(self, mission_id: str, *, is_due: bool) -> bool:
        """Step a mission; what is wrong with it alone does not keep others waiting."""
        if self._troubles.is_left_alone(mission_id, self._tools.clock(), is_due=is_due):
            return True
        try:
            is_ours = self.step(mission_id)
        except StoreUnavailableError:
            raise
        except NotFoundError as error:
            if mission_id in self._tools.missions.ids():
                self._troubles.put_off(mission_id, error.message, self._tools.clock())
            else:
                self._troubles.forget(mission_id)  # somebody deleted it
        except OSError as error:
            self._troubles.put_off(mission_id, told(error), self._tools.clock())
        except (TinytownError, msgspec.MsgspecError) as error:
            self._troubles.put_off(mission_id, str(error), self._tools.clock())
        except Exception as error:  # the supervisor: a bug that one mission meets would stop all of them
            log.exception("a bug", action="dispatcher_bug", mission=mission_id[:8], exc_info=error)
            self._troubles.put_off(mission_id, _bug(error), self._tools.clock())
        else:
            self._troubles.forget(mission_id)
            return is_ours
        return True

    def step(self, mission_id: str) -> bool:
        """Bring one mission as far as it goes now.

        Returns:
            False when another dispatcher has it.
        """
        outcomes: list[Outcome] = []
        refusals, is_slow = 0, False
        for _ in range(MAX_ROUNDS):
            stored = self._tools.missions.read(mission_id, dispatcher=self._tools.record.id)
            if isinstance(stored, str):
                return False
            if not _is_followed(stored):
                self._tools.missions.defer(stored, None)
                return True
            try:
                with self._measured():
                    wants = self._plan(stored) if _is_to_be_planned(stored) else self._decide(stored, outcomes)
            except LeaseLostError:
                return False
            except StaleError:
                continue  # with the outcomes still in hand
            except ConflictError as error:
                log.info("decision refused, deciding again", action="commit_conflict", reason=error.message)
                refusals += 1
                if refusals == MAX_REFUSALS:
                    self._wake(self._tools.clock() + timedelta(seconds=REFUSED_PAUSE_SECS))
                    return True
                continue
            if is_slow and wants:
                self._wake(self._tools.clock())  # others have their turn before
            if is_slow or not wants:
                return True
            is_ours = partial(self._tools.missions.renew, stored)
            outcomes = carry_out_all(self._tools.forge.on_behalf_of(mission_id), wants, is_ours=is_ours)
            is_slow = len(outcomes) < len(wants)
        return True

    @contextmanager
    def _measured(self) -> Iterator[None]:
        """Note how long a step takes, and what comes of it, to be told with the next heartbeat."""
        started = perf_counter()
        outcome: StepOutcome = "failed"
        try:
            yield
            outcome = "decided"
        except (StaleError, LeaseLostError, ConflictError) as error:
            outcome = _REFUSALS.get(type(error), "conflict")
            raise
        finally:
            secs = perf_counter() - started
            self._steps += 1
            self._last_step_ms = secs * 1000
            self._untold.append((secs, outcome))

    def _decide(self, stored: Stored, outcomes: list[Outcome]) -> tuple[Want, ...]:
        now = self._tools.clock()
        decision = decide(to_snapshot(stored), outcomes, now)
        if decision.changes.is_empty:
            self._tools.missions.defer(stored, now if decision.wants else decision.wake_at)
        else:
            self._commit(stored, decision, now)
        if decision.wake_at is not None and not decision.wants:
            self._wake(decision.wake_at)
        return decision.wants

    def _commit(self, stored: Stored, decision: Decision, now: datetime) -> None:
        commit = to_commit(stored, decision.changes)
        # what is wanted is not done yet: should we die now, another dispatcher takes it up at once
        due = now if decision.wants else decision.wake_at
        self._tools.missions.commit(stored, commit, now, due=due)
        for event in decision.changes.events:
            log.info(event.text, action=event.type, mission=stored.mission.id[:8])

    def _plan(self, stored: Stored) -> tuple[Want, ...]:
        tools = self._tools
        Unplanned(tools.missions, tools.planning, tools.roles).plan(stored, tools.clock())
        return ()

    def _pause(self, due: Due) -> float:
        """Seconds until the next thing is due, at most until the next full tick."""
        now = self._tools.clock()
        secs = self._tools.tick_secs()
        if self._swept_at is not None:
            secs -= (now - self._swept_at).total_seconds()
        if due.next_at is not None:
            secs = min(secs, (due.next_at - now).total_seconds())
        return max(min(secs, LIVENESS_SECS), 0.001)

    def _record(self) -> Record:
        return msgspec.structs.replace(self._tools.record, steps=self._steps, last_step_ms=self._last_step_ms)


def _bug(error: Exception) -> str:
    """A bug in one line, for people; the log has the rest."""
    what = f"{type(error).__name__}: {error}".splitlines()[0][:BUG_LIMIT]
    return f"the dispatcher met a bug with it: {what}; its log has the traceback"


def _is_followed(stored: Stored) -> bool:
    """Whether anything can come of a mission: it is active, somebody may still merge what it made, or is to be told or closed."""
    if stored.mission.is_active or any(w.status is not WatchStatus.DONE for w in stored.watches.values()):
        return True
    traits = stored.mission.traits
    if not traits.has_status and not traits.closes:
        return False
    snapshot = to_snapshot(stored)
    return telling.is_owed(snapshot) or closing.is_owed(snapshot)


def _is_to_be_planned(stored: Stored) -> bool:
    return stored.mission.state is MissionState.PLANNING and not stored.mission.is_paused
