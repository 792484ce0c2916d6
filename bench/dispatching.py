"""From the end of the last dependency's run to the assignment of what waited for it.

`tt mission dispatch` runs as a process of its own; this process is the host that ends the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic_ns

from bench.children import child
from bench.figure import Row, Samples, times
from bench.town import add_agents, bench_town, open_host
from tinytown.bootstrap import Town
from tinytown.domain.ids import new_id
from tinytown.domain.mission import Mission, MissionEvent, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.workitem import WorkItem, WorkKind, WorkStatus
from tinytown.runtime.launcher import host_lock
from tinytown.store.events import EventStream
from tinytown.store.hosts import Claim, HostLease, RunEnd

_WARM_UP, _TIMES = 5, 100
_TARGET_MS = 20.0
_WAIT_SECS = 30.0


def rows() -> Iterator[Row]:
    """The row of the table."""
    with bench_town() as town, host_lock(town.state):
        (agent_id,) = add_agents(town, 1, role="reviewer")
        lease = open_host(town)
        with child(town, "tinytown.cli", "mission", "dispatch") as dispatcher:
            dispatcher.until(town.dispatcher_store.all)
            events = town.events()
            taken = [_one(town, events, lease, agent_id) for _ in range(_WARM_UP + _TIMES)][_WARM_UP:]
    samples = Samples(tuple(taken))
    yield Row(
        what="last dependency done to dependent assigned",
        figure=times(samples),
        target=f"under {_TARGET_MS:g} ms",
        is_met=samples.median < _TARGET_MS,
    )


def _one(town: Town, events: EventStream, lease: HostLease, agent_id: str) -> float:
    """Two items, the second after the first; milliseconds from the first one's end to the second one's task."""
    town.host_store.renew(lease)
    _store_mission(town)
    _until_assigned(events)
    run = _claim(town, lease, agent_id)
    begun = monotonic_ns()
    _finish(town, lease, agent_id, run)
    _until_assigned(events)
    taken = (monotonic_ns() - begun) / 1e6
    _finish(town, lease, agent_id, _claim(town, lease, agent_id))
    _until(events, "mission.completed")
    return taken


def _store_mission(town: Town) -> None:
    now = town.clock()
    mission = Mission(
        id=new_id(),
        objective_refs=(),
        state=MissionState.RUNNING,
        policy=MissionPolicy(),
        created_at=now,
        updated_at=now,
    )
    ids = (new_id(), new_id())
    items = [
        WorkItem(
            id=item_id,
            mission_id=mission.id,
            key=f"#{number}",
            title=f"Look at part {number}",
            kind=WorkKind.REVIEW,
            status=WorkStatus.PENDING,
            depends_on=ids[: number - 1],
            branch=f"tt/{number}-part",
            created_at=now,
            updated_at=now,
        )
        for number, item_id in enumerate(ids, start=1)
    ]
    started = MissionEvent(at=now, type="mission.started", text="2 items planned")
    town.mission_store.create(mission, items, {}, (started,), now)


def _claim(town: Town, lease: HostLease, agent_id: str) -> str:
    run_id = new_id()
    claim = town.host_store.claim(lease, agent_id, run_id, town.clock())
    assert isinstance(claim, Claim)  # noqa: S101  the task was just assigned and the agent is idle
    return run_id


def _finish(town: Town, lease: HostLease, agent_id: str, run_id: str) -> None:
    said = {"report": "completed", "result": "looked at"}
    end = RunEnd(agent_id=agent_id, run_id=run_id, outcome="completed", task_fields=said)
    town.host_store.finish(lease, end, town.clock())


def _until_assigned(events: EventStream) -> None:
    _until(events, "task.assigned")


def _until(events: EventStream, type_: str) -> None:
    while found := events.wait(_WAIT_SECS):
        if any(event.type == type_ for event in found):
            return
    raise TimeoutError(f"no {type_} within {_WAIT_SECS:g} s")
