"""One step of a mission with 1,000 and with 10,000 items, and twice as many watches.

A step is one read, one decision and one commit (or, when nothing changed, setting when it is due). Reading and writing
are one round trip each, whatever the size.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import msgspec

from bench.counting import CountingConnection
from bench.figure import Row, Samples, compared, times
from bench.missions import PARALLEL, Large, Situation
from bench.town import add_agents, bench_town, open_host
from tinytown.bootstrap import Town, utc_now
from tinytown.planner.tick import decide
from tinytown.services.commits import to_commit, to_snapshot
from tinytown.store.missions import MissionStore, Stored
from tinytown.store.tasks import TaskStore

SMALL, BIG = 1_000, 10_000
_TIMES = {SMALL: 9, BIG: 3}
"""Missions that are stored and stepped."""
_QUIET_TIMES = 5
_TARGET_MS = 50.0
_LINEAR = 15.0
"""Ten times as many items; half as much again is for fresh memory, and what the processor's caches no longer hold."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time of one step went, in milliseconds."""

    script: float
    """Reading: the script, the way there and back, the parsed reply."""
    decode: float
    """Reading: from the reply to values."""
    decide: float
    encode: float
    """Writing: from values to what is sent."""
    commit: float
    """Writing: the script, the way there and back."""
    trips: int

    @property
    def total(self) -> float:
        """All of it."""
        return self.script + self.decode + self.decide + self.encode + self.commit


def rows() -> Iterator[Row]:
    """The rows of the table."""
    with bench_town() as town:
        for situation in Situation:
            small, big = (_measure(town, situation, size) for size in (SMALL, BIG))
            yield from _compare(situation, small, big)


def _compare(situation: Situation, small: list[Step], big: list[Step]) -> Iterator[Row]:
    few, many = _totals(small), _totals(big)
    yield Row(
        what=f"step of {SMALL:,} items, {situation.value}",
        figure=times(few),
        reference=_parts(small),
        target=f"under {_TARGET_MS:g} ms",
        is_met=few.median < _TARGET_MS,
    )
    yield compared(f"step of {BIG:,} items, {situation.value}", many, f"{SMALL:,} items", few, within=_LINEAR)
    trips = {step.trips for step in (*small, *big)}
    yield Row(
        what=f"round trips of a step, {situation.value}",
        figure=" or ".join(str(n) for n in sorted(trips)),
        target="2",
        is_met=trips == {2},
    )


def _totals(steps: list[Step]) -> Samples:
    return Samples(tuple(step.total for step in steps))


def _parts(steps: list[Step]) -> str:
    """Of the middle step."""
    middle = sorted(steps, key=lambda step: step.total)[len(steps) // 2]
    names = ("script", "decode", "decide", "encode", "commit")
    return " + ".join(f"{name} {getattr(middle, name):.1f}" for name in names)


def _measure(town: Town, situation: Situation, size: int) -> list[Step]:
    connection = CountingConnection(town.connection.address)
    missions, tasks = MissionStore(connection, town.keys), TaskStore(connection, town.keys)
    found = []
    for _ in range(_TIMES[size]):
        connection.execute("FLUSHDB")  # nothing of the last one weighs on the next
        agents = add_agents(town, PARALLEL)
        open_host(town)
        large = Large(situation, size, agents, utc_now())
        large.store(missions)
        _step(connection, missions, large.mission.id)  # what is stored is new to the planner; it settles
        large.disturb(tasks)
        # a step that finds nothing due changes nothing, so that it can be made again
        again = _QUIET_TIMES if situation is Situation.QUIET else 1
        found += [_step(connection, missions, large.mission.id) for _ in range(again)]
    connection.close()
    return found


def _step(connection: CountingConnection, missions: MissionStore, mission_id: str) -> Step:
    """As the dispatcher makes it, with a look at the clock between the parts."""
    connection.reset()
    begun = perf_counter()
    stored = missions.read(mission_id, dispatcher="bench")
    assert isinstance(stored, Stored)  # noqa: S101  nobody else has the lease
    script, read = connection.waited_ms, perf_counter()
    now = utc_now()
    decision = decide(to_snapshot(stored), (), now)
    decided = perf_counter()
    connection.waited_ms = 0.0
    if decision.changes.is_empty:
        missions.defer(stored, decision.wake_at)
    else:
        missions.commit(stored, to_commit(stored, decision.changes), now, due=decision.wake_at)
    written = perf_counter()
    return Step(
        script=script,
        decode=(read - begun) * 1000 - script,
        decide=(decided - read) * 1000,
        encode=(written - decided) * 1000 - connection.waited_ms,
        commit=connection.waited_ms,
        trips=connection.trips,
    )
