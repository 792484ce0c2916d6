"""A town in a real server: its stores, and small things to put into them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tinytown.domain.agent import Agent, AgentSpec
from tinytown.domain.event import Event
from tinytown.domain.ids import new_id
from tinytown.domain.message import Message, MessageKind
from tinytown.domain.mission import Mission, MissionEvent, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.task import TaskKind, TaskSpec
from tinytown.domain.workitem import WorkItem, WorkKind, WorkStatus
from tinytown.store.agents import AgentStore
from tinytown.store.connection import Connection
from tinytown.store.dispatchers import Dispatcher, DispatcherStore, Due
from tinytown.store.events import EventStream
from tinytown.store.hosts import Claim, HostLease, HostStore, RunEnd
from tinytown.store.inbox import Inbox
from tinytown.store.keys import Keys
from tinytown.store.missions import Commit, Handed, MissionStore, Stored
from tinytown.store.tasks import TaskStore

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MACHINE = "here"


def later(secs: float) -> datetime:
    """So many seconds after NOW."""
    return NOW + timedelta(seconds=secs)


class Stores:
    """Every store of one town, over one connection."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self.connection = connection
        self.keys = keys
        self.missions = MissionStore(connection, keys)
        self.agents = AgentStore(connection, keys)
        self.tasks = TaskStore(connection, keys)
        self.inbox = Inbox(connection, keys)
        self.hosts = HostStore(connection, keys)
        self.dispatchers = DispatcherStore(connection, keys)

    def agent(self, name: str, **fields: Any) -> str:
        """Register an agent; its id."""
        values = {"id": new_id(), "cli": "demo", "role": name, "machine": MACHINE, "created_at": NOW}
        spec = AgentSpec(name=name, **{**values, **fields})
        self.agents.add(spec)
        return spec.id

    def host(self, host_id: str = "host-1", machine: str = MACHINE) -> HostLease:
        """A host that has taken every agent of its machine."""
        lease, _ = self.hosts.open(host_id, machine, {"pid": "1"}, NOW)
        self.hosts.adopt(lease, machine, NOW)
        return lease

    def find(self, agent_id: str) -> Agent:
        """An agent with what is counted of it."""
        return next(agent for agent in self.agents.all() if agent.id == agent_id)

    def mission(self, *items: WorkItem, **fields: Any) -> str:
        """Store a running mission with a lease for nobody; its id."""
        mission = make_mission(**fields)
        owned = [msgspec.structs.replace(item, mission_id=mission.id) for item in items]
        self.missions.create(mission, owned, {}, (), NOW)
        return mission.id

    def read(self, mission_id: str, dispatcher: str | None = "d1") -> Stored:
        """The mission, with the lease of that dispatcher."""
        stored = self.missions.read(mission_id, dispatcher=dispatcher)
        assert isinstance(stored, Stored), f"held by {stored}"
        return stored

    def commit(self, seen: Stored, *, due: datetime | None = None, at: datetime = NOW, **changes: Any) -> int:
        """Commit these changes to what was seen."""
        mission = changes.pop("mission", seen.mission)
        return self.missions.commit(seen, Commit(mission=mission, **changes), at, due=due)

    def give(self, mission_id: str, agent_id: str, item_id: str = "item-1") -> str:
        """Hand a new task of a mission to an agent; its id."""
        spec = make_spec(mission_id=mission_id, item_id=item_id)
        self.commit(self.read(mission_id), given=[Handed(spec=spec, agent_id=agent_id, load=0)])
        return spec.id

    def claim(self, lease: HostLease, agent_id: str, run: str = "run-1", at: datetime = NOW) -> Claim:
        """Start a run that has something to do."""
        claim = self.hosts.claim(lease, agent_id, run, at)
        assert isinstance(claim, Claim)
        return claim

    def finish(self, lease: HostLease, agent_id: str, outcome: str = "completed", **fields: Any) -> str:
        """End the run."""
        at = fields.pop("at", NOW)
        run = fields.pop("run", "run-1")
        return self.hosts.finish(lease, RunEnd(agent_id=agent_id, run_id=run, outcome=outcome, **fields), at)

    def due(self, at: datetime = NOW, dispatcher: str = "d1") -> Due:
        """What a heartbeat finds."""
        return self.dispatchers.beat(Dispatcher(id=dispatcher, machine=MACHINE, pid=1, started_at=NOW), at)

    def history(self) -> list[Event]:
        """Every event of the town."""
        return EventStream(self.connection, self.keys, after="0-0").wait(0)

    def said(self) -> list[str]:
        """The types of the town's events."""
        return [event.type for event in self.history()]

    def dump(self) -> dict[bytes, Any]:
        """Everything the town has stored."""
        readers = {b"string": "GET", b"hash": "HGETALL", b"set": "SMEMBERS", b"stream": "XLEN"}
        found = {}
        for key in self.connection.execute("KEYS", f"{self.keys.prefix}:*"):
            kind = self.connection.execute("TYPE", key)
            reader = readers.get(kind)
            tail: tuple[Any, ...] = () if reader else (0, -1)
            reply = self.connection.execute(reader or ("LRANGE" if kind == b"list" else "ZRANGE"), key, *tail)
            found[key] = sorted(reply) if isinstance(reply, list) else reply
        return found


def make_mission(**fields: Any) -> Mission:
    """A running mission."""
    values: dict[str, Any] = {
        "id": new_id(),
        "objective_refs": (),
        "state": MissionState.RUNNING,
        "policy": MissionPolicy(),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Mission(**{**values, **fields})


def make_item(item_id: str = "item-1", **fields: Any) -> WorkItem:
    """A ready item."""
    values: dict[str, Any] = {
        "mission_id": "",
        "key": "#1",
        "title": "thing",
        "kind": WorkKind.IMPLEMENT,
        "status": WorkStatus.READY,
        "branch": "tt/1-thing",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return WorkItem(id=item_id, **{**values, **fields})


def make_spec(**fields: Any) -> TaskSpec:
    """A task for work."""
    return TaskSpec(**{"id": new_id(), "kind": TaskKind.WORK, "title": "do it", "created_at": NOW, **fields})


def make_message(to: str, text: str = "hello", kind: MessageKind = MessageKind.QUERY, **fields: Any) -> Message:
    """A message from a person."""
    return Message(
        **{"id": new_id(), "to": to, "sender": "supervisor", "kind": kind, "text": text, "sent_at": NOW, **fields}
    )


def make_event(text: str = "something", **fields: Any) -> MissionEvent:
    """A line of a mission's log."""
    return MissionEvent(**{"at": NOW, "type": "item.ready", "text": text, **fields})


def running(town: Stores) -> tuple[str, HostLease, str, str]:
    """An agent in the middle of a mission's task: its id, its host, the mission and the task."""
    agent = town.agent("backend")
    lease = town.host()
    mission_id = town.mission(make_item())
    task = town.give(mission_id, agent)
    town.inbox.send(make_message(agent, "fyi", MessageKind.INFO))
    town.claim(lease, agent)
    town.commit(town.read(mission_id), due=None)
    return agent, lease, mission_id, task
