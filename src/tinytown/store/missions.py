"""Missions in the store: read whole in one round trip, written by one fenced commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tinytown.domain.agent import Agent
from tinytown.domain.errors import NotFoundError
from tinytown.domain.ids import by_prefix
from tinytown.domain.message import Message, MessageKind
from tinytown.domain.mission import Mission, MissionEvent
from tinytown.domain.refs import IssueRef, ObjectiveRef
from tinytown.domain.task import Task, TaskSpec
from tinytown.domain.watch import Watch, WatchStatus
from tinytown.domain.workitem import BUSY, Brief, WorkItem, WorkStatus
from tinytown.store.codec import at_text, decode, encode, pairs, to_agent, to_ms, to_task
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

LEASE_MS = 30_000
"""How long a dispatcher has a mission to itself unless it reads it again."""

EVENTS_KEPT = 100


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A dispatcher's right to write a mission; tokens rise, so that a late one is refused."""

    dispatcher: str
    token: str


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A mission as it was at one version."""

    mission: Mission
    items: dict[str, WorkItem]
    watches: dict[str, Watch]
    tasks: dict[str, Task]
    agents: dict[str, Agent]
    signals: dict[str, str]
    wakes: str
    """Counter of what happened to it; a commit that saw an older one does not put the mission off."""
    lease: Lease | None = None


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """A task to be given to an agent with a commit."""

    spec: TaskSpec
    agent_id: str
    load: int


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """What one commit writes; see lua/commit_mission.lua."""

    mission: Mission
    items: Sequence[WorkItem] = ()
    briefs: Mapping[str, Brief] = {}
    watches: Sequence[Watch] = ()
    given: Sequence[Handed] = ()
    cancelled: Sequence[tuple[str, str]] = ()
    settled: Sequence[str] = ()
    answered: Mapping[str, str] = {}
    messages: Sequence[Message] = ()
    withdrawn: Sequence[tuple[str, str]] = ()
    """Receivers and ids of messages that are taken out of inboxes."""
    events: Sequence[MissionEvent] = ()
    watched: Sequence[str] = ()
    """Pull requests whose signals concern this mission."""
    unwatched: Sequence[str] = ()


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """A mission as it was at one moment, as much of it as was asked for."""

    mission: Mission
    statuses: tuple[WorkStatus, ...]
    """Of every item."""
    watch_statuses: tuple[WatchStatus, ...]
    """Of every watch."""
    items: tuple[WorkItem, ...] = ()
    watches: tuple[Watch, ...] = ()
    events: tuple[MissionEvent, ...] = ()
    """The newest, oldest first."""


class _Progress(msgspec.Struct, frozen=True, gc=False):
    """As much of an item as counting needs."""

    status: WorkStatus


class _Watching(msgspec.Struct, frozen=True, gc=False):
    """As much of a watch as counting needs."""

    status: WatchStatus


_progress = msgspec.json.Decoder(_Progress)
_statuses = msgspec.json.Decoder(list[_Progress])
_watch_statuses = msgspec.json.Decoder(list[_Watching])
_items = msgspec.json.Decoder(list[WorkItem])
_watches = msgspec.json.Decoder(list[Watch])


class MissionStore:
    """The missions of one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def create(
        self,
        mission: Mission,
        items: Sequence[WorkItem],
        briefs: Mapping[str, Brief],
        events: Sequence[MissionEvent],
        at: datetime,
    ) -> None:
        """Store a new mission, whole or not at all.

        Raises:
            AlreadyExistsError: one of its objectives is in a mission that has not ended.
        """
        self._run(
            "create_mission",
            id=mission.id,
            record=encode(mission),
            items={item.id: encode(item) for item in items},
            briefs={item_id: encode(brief) for item_id, brief in briefs.items()},
            events=[[encode(event), event.type, event.text] for event in events],
            objectives=_objectives(mission),
            state=mission.state.value,
            startable=_startable(mission, items),
            at=at_text(at),
            ms=to_ms(at),
            may_repeat=True,
        )

    def read(self, mission_id: str, *, dispatcher: str | None = None) -> Stored | str:
        """The mission as it is now.

        Args:
            mission_id: whole id.
            dispatcher: id of a dispatcher that wants to write it; takes or renews its lease.

        Returns:
            The mission, or the id of the other dispatcher that has the lease.

        Raises:
            NotFoundError: there is none.
        """
        reply, work, watches = self._connection.run_and_read(
            load("read_mission"),
            self._keys.prefix,
            {"id": mission_id, "dispatcher": dispatcher, "ttl_ms": LEASE_MS},
            [("HVALS", self._keys("mission", mission_id, part)) for part in ("work", "watch")],
            may_repeat=True,
        )
        if reply[0] == b"held":
            return str(reply[1].decode())
        token, record, version, tasks, agents, signals, wakes = reply
        mission = msgspec.structs.replace(decode(record, Mission), version=int(version))
        return Stored(
            mission=mission,
            items={item.id: item for item in _items.decode(_array(work))},
            watches={watch.id: watch for watch in _watches.decode(_array(watches))},
            tasks={task.id: task for flat in tasks if flat for task in (to_task(flat),)},
            agents={agent.id: agent for flat, load in agents for agent in (to_agent(flat, open_tasks=load),)},
            signals={target: value.decode() for target, value in pairs(signals).items()},
            wakes=wakes.decode(),
            lease=Lease(dispatcher=dispatcher, token=token.decode()) if dispatcher else None,
        )

    def glance(
        self, mission_id: str, *, with_items: bool = False, with_watches: bool = False, events: int = 0
    ) -> Glance:
        """A mission for somebody who looks at it, in one round trip; what is not asked for is only counted.

        Args:
            mission_id: whole id.
            with_items: whether its items are wanted.
            with_watches: whether its watches are wanted.
            events: how many of the last entries of its log are wanted.

        Raises:
            NotFoundError: there is none.
        """
        key, newest = self._keys("mission", mission_id), -events if events else 1
        reads = [("HMGET", key, "record", "version"), ("HVALS", f"{key}:work"), ("HVALS", f"{key}:watch")]
        (record, version), work, watches, log = self._connection.read_together(
            [*reads, ("LRANGE", f"{key}:events", newest, -1 if events else 0)]
        )
        if record is None:
            raise NotFoundError(f"no mission {mission_id}")
        items = tuple(_items.decode(_array(work))) if with_items else ()
        watching = tuple(_watches.decode(_array(watches))) if with_watches else ()
        counted = items if with_items else _statuses.decode(_array(work))
        watched = watching if with_watches else _watch_statuses.decode(_array(watches))
        return Glance(
            mission=msgspec.structs.replace(decode(record, Mission), version=int(version)),
            statuses=tuple(one.status for one in counted),
            watch_statuses=tuple(one.status for one in watched),
            items=items,
            watches=watching,
            events=tuple(decode(data, MissionEvent) for data in log),
        )

    def commit(self, seen: Stored, commit: Commit, at: datetime, *, due: datetime | None) -> int:
        """Write a decision made from `seen`; the mission is due again at `due`, or when something happens to it.

        Returns:
            The mission's new version.

        Raises:
            StaleError: the mission moved on; nothing was written. LeaseLostError: another dispatcher has it.
            ConflictError: an agent took other work meanwhile. AlreadyExistsError: it is taken up again or has
                more objectives, and another mission has one of them.
        """
        mission = commit.mission
        version: int = self._run(
            "commit_mission",
            id=mission.id,
            version=seen.mission.version,
            token=seen.lease.token if seen.lease else None,
            dispatcher=seen.lease.dispatcher if seen.lease else None,
            record=encode(mission),
            items={item.id: encode(item) for item in commit.items},
            briefs={item_id: encode(brief) for item_id, brief in commit.briefs.items()},
            watches={watch.id: encode(watch) for watch in commit.watches},
            given=[_handed(handed, at) for handed in commit.given],
            cancelled=[list(pair) for pair in commit.cancelled],
            settled=list(commit.settled),
            answered=dict(commit.answered),
            messages=[[m.to, m.id, encode(m), m.is_urgent, m.sender] for m in commit.messages],
            withdrawn=[list(pair) for pair in commit.withdrawn],
            events=[_event(event) for event in commit.events],
            watched=list(commit.watched),
            unwatched=list(commit.unwatched),
            wakes=seen.wakes,
            due_ms=to_ms(due) if due else None,
            objectives=_objectives(mission) if _claims(seen.mission, mission) else [],
            is_active=mission.is_active,
            state=mission.state.value,
            startable=_startable(mission, {**seen.items, **{item.id: item for item in commit.items}}.values()),
            at=at_text(at),
            ms=to_ms(at),
        )
        return version

    def renew(self, seen: Stored) -> bool:
        """Renew the lease that it was read with; False when that is lost, and nothing more may be done for it."""
        if seen.lease is None:
            return False
        token, dispatcher = seen.lease.token, seen.lease.dispatcher
        args = {"id": seen.mission.id, "token": token, "dispatcher": dispatcher, "ttl_ms": LEASE_MS}
        return bool(self._run("renew_mission", **args, may_repeat=True))

    def delete(self, mission_id: str, at: datetime, *, is_forced: bool, reason: str) -> int:
        """Delete a mission with everything of it; its open tasks are cancelled with the reason.

        Returns:
            How many tasks were cancelled.

        Raises:
            NotFoundError. ConflictError: it is active, and `is_forced` is not given.
        """
        cancelled: int = self._run(
            "delete_mission", id=mission_id, force=is_forced, reason=reason, at=at_text(at), ms=to_ms(at)
        )
        return cancelled

    def defer(self, seen: Stored, due: datetime | None) -> None:
        """Set when the mission is due, when there was nothing to commit."""
        due_ms = to_ms(due) if due else None
        self._run("defer_mission", id=seen.mission.id, wakes=seen.wakes, due_ms=due_ms, may_repeat=True)

    def ids(self, *, is_active_only: bool = False) -> list[str]:
        """Ids of the missions, newest first."""
        newest = [i.decode() for i in self._connection.execute("ZRANGE", self._keys("missions"), 0, -1, "REV")]
        if not is_active_only:
            return newest
        active = {i.decode() for i in self._connection.execute("SMEMBERS", self._keys("mission", "active"))}
        return [i for i in newest if i in active]

    def created(self, *, is_active_only: bool = False) -> list[tuple[str, int]]:
        """Ids of the missions and when each was created (ms), newest first, in one round trip."""
        newest, active = self._connection.execute_many(
            [
                ("ZRANGE", self._keys("missions"), 0, -1, "REV", "WITHSCORES"),
                ("SMEMBERS", self._keys("mission", "active")),
            ]
        )
        found, followed = zip(newest[::2], newest[1::2], strict=True), set(active)
        return [(i.decode(), int(ms)) for i, ms in found if not is_active_only or i in followed]

    def find(self, prefix: str) -> str:
        """The id of the one mission that begins with `prefix`."""
        return by_prefix(prefix, self.ids(), "mission")

    def records(self, ids: Sequence[str]) -> list[Mission]:
        """The missions' own records, in one round trip."""
        replies = self._connection.execute_many([("HGET", self._keys("mission", i), "record") for i in ids])
        return [decode(reply, Mission) for reply in replies if reply is not None]

    def progress(self, ids: Sequence[str]) -> list[tuple[int, int]]:
        """For each mission the number of its items and of those that are done, in one round trip."""
        replies = self._connection.execute_many([("HVALS", self._keys("mission", i, "work")) for i in ids])
        statuses = [[_progress.decode(data).status for data in reply] for reply in replies]
        return [(len(found), sum(status is WorkStatus.DONE for status in found)) for found in statuses]

    def items(self, mission_id: str, item_ids: Sequence[str]) -> list[WorkItem]:
        """Some of a mission's items, without those that do not exist."""
        if not item_ids:
            return []
        found = self._connection.execute("HMGET", self._keys("mission", mission_id, "work"), *item_ids)
        return [decode(data, WorkItem) for data in found if data is not None]

    def find_items(self, item_ids: Collection[str]) -> list[WorkItem]:
        """Items by their ids, in whatever mission they are."""
        if not item_ids:
            return []
        wanted = sorted(item_ids)
        replies = self._connection.execute_many(
            [("HMGET", self._keys("mission", mission_id, "work"), *wanted) for mission_id in self.ids()]
        )
        return [decode(data, WorkItem) for reply in replies for data in reply if data is not None]

    def brief(self, mission_id: str, item_id: str) -> Brief:
        """The text an item was made from."""
        data = self._connection.execute("HGET", self._keys("mission", mission_id, "briefs"), item_id)
        if data is None:
            raise NotFoundError(f"no text for item {item_id}")
        return decode(data, Brief)

    def events(self, mission_id: str, limit: int = EVENTS_KEPT) -> list[MissionEvent]:
        """The mission's log, oldest first, at most the last `limit` entries."""
        found = self._connection.execute("LRANGE", self._keys("mission", mission_id, "events"), -limit, -1)
        return [decode(data, MissionEvent) for data in found]

    def _run(self, script: str, /, *, may_repeat: bool = False, **args: Any) -> Any:
        return self._connection.run(load(script), self._keys.prefix, args, may_repeat=may_repeat)


def targets(watches: Mapping[str, Watch]) -> frozenset[str]:
    """The pull requests that watches which are not done look at."""
    return frozenset(w.target_ref for w in watches.values() if w.status is not WatchStatus.DONE)


def task_message(spec: TaskSpec, agent_id: str, at: datetime, sender: str) -> Message:
    """The message that brings a task; it has the task's own id."""
    return Message(
        id=spec.id,
        to=agent_id,
        sender=sender,
        kind=MessageKind.TASK,
        text=spec.title,
        sent_at=at,
        task_id=spec.id,
        mission_id=spec.mission_id,
    )


def _startable(mission: Mission, items: Iterable[WorkItem]) -> int:
    """How many items could be begun now, were there agents for all of them."""
    if not mission.is_active or mission.is_paused:
        return 0
    statuses = Counter(item.status for item in items)
    room = mission.policy.max_parallel_items - sum(statuses[one] for one in BUSY)
    return max(min(statuses[WorkStatus.READY], room), 0)


def _objectives(mission: Mission) -> list[list[str]]:
    return [[_reference(ref), ref.label(mission.home)] for ref in mission.objective_refs]


def _claims(seen: Mission, mission: Mission) -> bool:
    """Whether its objectives must be claimed: it is taken up again, or has others now."""
    return not seen.is_active or seen.objective_refs != mission.objective_refs


def _reference(ref: ObjectiveRef) -> str:
    """The same text for the same objective, however its repository is written."""
    return f"issue {ref.folded}" if isinstance(ref, IssueRef) else f"document {ref}"


def _handed(handed: Handed, at: datetime) -> dict[str, Any]:
    message = task_message(handed.spec, handed.agent_id, at, "dispatcher")
    return {
        "id": handed.spec.id,
        "spec": encode(handed.spec),
        "agent": handed.agent_id,
        "message": encode(message),
        "urgent": False,
        "mission": handed.spec.mission_id,
        "load": handed.load,
    }


def _event(event: MissionEvent) -> dict[str, Any]:
    return {
        "json": encode(event),
        "type": event.type,
        "text": event.text,
        "item": event.item_id,
        "agent": event.agent_id,
    }


def _array(records: list[bytes]) -> bytes:
    """One JSON text: decoding it is a third faster than decoding thousands of them."""
    return b"[" + b",".join(records) + b"]"
