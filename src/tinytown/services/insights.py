"""What goes on in a town, as values that every face can show."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from tinytown.domain.agent import Agent
from tinytown.domain.event import Event
from tinytown.domain.mission import Mission
from tinytown.domain.task import Task
from tinytown.services.usage import Usage, Usages
from tinytown.store.agents import AgentStore
from tinytown.store.backlog import BacklogStore
from tinytown.store.codec import to_ms
from tinytown.store.dispatchers import STALE_MS, Dispatcher, DispatcherStore
from tinytown.store.events import EventStream
from tinytown.store.hosts import HostStore
from tinytown.store.missions import MissionStore
from tinytown.store.tasks import TaskStore

RECENT_EVENTS = 20


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which town it is."""

    name: str
    root: Path
    redis_url: str
    """Without user name and password."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where insights come from."""

    agents: AgentStore
    tasks: TaskStore
    backlog: BacklogStore
    missions: MissionStore
    hosts: HostStore
    dispatchers: DispatcherStore
    events: Callable[[], EventStream]
    usages: Usages


class HostSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A host as registered."""

    id: str
    machine: str
    pid: int | None
    root: str
    is_alive: bool
    """Whether it still renews its lease."""
    is_here: bool
    """Whether it runs the agents of this machine and folder."""


class DispatcherSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A dispatcher as last heard of."""

    id: str
    machine: str
    pid: int
    started_at: datetime
    heard: timedelta
    """Time since its last heartbeat."""
    steps: int
    last_step_ms: float
    is_alive: bool
    """Whether it is to be counted on: heard of lately, and on this machine its process is there."""


class MissionProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A mission in one line."""

    mission: Mission
    items: int
    done: int


class TownStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A town at a glance."""

    place: Place
    at: datetime
    agents: tuple[Agent, ...]
    tasks: dict[str, Task]
    """The tasks of the runs under way by id; with `tasks` asked for, all open ones."""
    hosts: tuple[HostSeen, ...]
    dispatchers: tuple[DispatcherSeen, ...]
    missions: tuple[MissionProgress, ...]
    """Active ones, newest first."""
    backlog: int
    """Tasks that nobody has."""
    events: tuple[Event, ...] = ()
    """The last ones, oldest first, when asked for."""


class Insights:
    """What goes on in one town."""

    def __init__(
        self, place: Place, sources: Sources, *, machine: Callable[[], str], clock: Callable[[], datetime]
    ) -> None:
        self._place = place
        self._sources = sources
        self._machine = machine
        self._clock = clock

    def town(self, *, with_tasks: bool = False, with_events: bool = False) -> TownStatus:
        """The town at a glance; with all open tasks and the last events only when asked for."""
        sources = self._sources
        agents = tuple(sources.agents.all())
        task_ids = [agent.task_id for agent in agents if agent.task_id is not None]
        if with_tasks:
            task_ids += [i for agent in agents if agent.open_tasks for i in sources.agents.task_ids(agent.id)]
        return TownStatus(
            place=self._place,
            at=self._clock(),
            agents=agents,
            tasks={task.id: task for task in sources.tasks.many(sorted(set(task_ids)))},
            hosts=self.hosts(),
            dispatchers=self.dispatchers(),
            missions=self.missions(),
            backlog=sources.backlog.count(),
            events=tuple(sources.events().recent(RECENT_EVENTS)) if with_events else (),
        )

    def missions(self, *, is_all: bool = False) -> tuple[MissionProgress, ...]:
        """Missions with their progress, newest first; only the active ones unless all are asked for."""
        ids = self._sources.missions.ids(is_active_only=not is_all)
        if not ids:
            return ()
        records = self._sources.missions.records(ids)
        counts = self._sources.missions.progress([mission.id for mission in records])
        return tuple(
            MissionProgress(mission=mission, items=items, done=done)
            for mission, (items, done) in zip(records, counts, strict=True)
        )

    def usage(self, mission_id: str) -> Usage:
        """What a mission has asked of its forge, and how the quota is; the forge is not asked."""
        return self._sources.usages.of(mission_id)

    def hosts(self) -> tuple[HostSeen, ...]:
        """The hosts that are registered, dead ones included until somebody releases them."""
        return tuple(
            HostSeen(
                id=host_id,
                machine=record.get("machine", ""),
                pid=int(record["pid"]) if record.get("pid", "").isdecimal() else None,
                root=record.get("root", ""),
                is_alive=record["is_alive"] == "yes",
                is_here=record.get("machine") == self._machine(),
            )
            for host_id, record in sorted(self._sources.hosts.all().items())
        )

    def dispatchers(self) -> tuple[DispatcherSeen, ...]:
        """The dispatchers heard of lately, the oldest first."""
        now = self._clock()
        return tuple(dispatcher_seen(record, now) for record in self._sources.dispatchers.all())


def dispatcher_seen(record: Dispatcher, now: datetime) -> DispatcherSeen:
    """What its heartbeat tells of a dispatcher."""
    heard_ms = max(0, to_ms(now) - record.at_ms)
    is_there = record.machine != socket.gethostname() or _exists(record.pid)
    return DispatcherSeen(
        id=record.id,
        machine=record.machine,
        pid=record.pid,
        started_at=record.started_at,
        heard=timedelta(milliseconds=heard_ms),
        steps=record.steps,
        last_step_ms=record.last_step_ms,
        is_alive=heard_ms < STALE_MS and is_there,
    )


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but there
        return True
    return True
