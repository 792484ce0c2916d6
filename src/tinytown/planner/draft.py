"""The working copy of one decision: policies read and change it, `changes` is what they decided.

A draft is made for one decision and thrown away; nothing outside sees it. Each change of state goes through `move`,
which checks the transition tables.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

import msgspec

from tinytown.domain.agent import Agent
from tinytown.domain.ids import derive_id
from tinytown.domain.message import Message
from tinytown.domain.mission import MISSION_LIFECYCLE, Mission, MissionEvent, MissionState
from tinytown.domain.task import Task, TaskSpec
from tinytown.domain.watch import WATCH_LIFECYCLE, Watch, WatchStatus
from tinytown.domain.workitem import WORK_LIFECYCLE, WorkItem, WorkKind, WorkStatus
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.wants import Want

Wish: TypeAlias = tuple[str | None, WorkKind, str | None]
"""What decides which agents may take an item: the agent it is pinned to, its kind, the role it wants."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A new task and the agent that gets it. Refused at commit when the agent has more to do than was seen."""

    spec: TaskSpec
    agent_id: str
    expected_load: int = 0
    """Open tasks the agent had when this was decided."""


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """An open task that is taken back."""

    task_id: str
    reason: str


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one commit writes."""

    mission: Mission
    items: tuple[WorkItem, ...] = ()
    watches: tuple[Watch, ...] = ()
    given: tuple[Given, ...] = ()
    cancelled: tuple[Cancelled, ...] = ()
    settled: tuple[str, ...] = ()
    """Finished tasks that are taken into account now."""
    answered: dict[str, str] = {}
    """Signals (target -> token) that were answered by a look."""
    messages: tuple[Message, ...] = ()
    withdrawn: tuple[tuple[str, str], ...] = ()
    """Receivers and ids of messages that nobody needs to read any more."""
    events: tuple[MissionEvent, ...] = ()
    is_empty: bool = False
    """Nothing changed; there is nothing to commit."""


class Draft:
    """One mission while it is being decided upon."""

    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        self.now = now
        self.before = snapshot
        self.mission = snapshot.mission
        self.items = dict(snapshot.items)
        self.watches = dict(snapshot.watches)
        self.tasks = dict(snapshot.tasks)
        self.agents = snapshot.agents
        self.signals = dict(snapshot.signals)
        self.load = {agent_id: agent.open_tasks for agent_id, agent in snapshot.agents.items()}
        self.suitable: dict[Wish, tuple[Agent, ...]] = {}
        """Agents that may take an item with that wish, as far as `fit` was asked; they do not change meanwhile."""
        self.wants: list[Want] = []
        self.wake_at: datetime | None = None
        self._items: dict[str, None] = {}
        self._watches: dict[str, None] = {}
        self._given: list[Given] = []
        self._cancelled: list[Cancelled] = []
        self._settled: list[str] = []
        self._answered: dict[str, str] = {}
        self._messages: list[Message] = []
        self._withdrawn: list[tuple[str, str]] = []
        self._events: list[MissionEvent] = []

    # Reading

    def unfinished(self) -> list[WorkItem]:
        """Items that are not done, in no particular order."""
        return [item for item in self.items.values() if item.status is not WorkStatus.DONE]

    def watches_of(self, item_id: str) -> list[Watch]:
        """The watches of an item that are not done."""
        found = (self.watches[watch_id] for watch_id in self._watch_ids.get(item_id, ()))
        return [watch for watch in found if watch.status is not WatchStatus.DONE]

    @cached_property
    def _watch_ids(self) -> dict[str, list[str]]:
        """Item id -> ids of its watches: a merge looks them up for every open pull request."""
        ids: dict[str, list[str]] = {}
        for watch in self.watches.values():
            ids.setdefault(watch.work_item_id, []).append(watch.id)
        return ids

    def agent_name(self, agent_id: str | None) -> str:
        """What people call the agent."""
        agent = self.agents.get(agent_id or "")
        return agent.name if agent else "an agent that is gone"

    # Changing

    def put(self, item_id: str, **changes: Any) -> WorkItem:
        """Change fields of an item, except its status."""
        item = msgspec.structs.replace(self.items[item_id], **{"updated_at": self.now, **changes})
        self.items[item_id] = item
        self._items[item_id] = None
        return item

    def move(self, item_id: str, status: WorkStatus, **changes: Any) -> WorkItem:
        """Change an item's status, and fields with it."""
        WORK_LIFECYCLE.check(self.items[item_id].status, status)
        return self.put(item_id, status=status, **changes)

    def put_watch(self, watch: Watch) -> None:
        """Add or replace a watch."""
        old = self.watches.get(watch.id)
        if old is None:
            self._watch_ids.setdefault(watch.work_item_id, []).append(watch.id)
        elif old.status is not watch.status:
            WATCH_LIFECYCLE.check(old.status, watch.status)
        self.watches[watch.id] = watch
        self._watches[watch.id] = None

    def put_mission(self, **changes: Any) -> None:
        """Change fields of the mission, except its state."""
        self.mission = msgspec.structs.replace(self.mission, **changes)

    def move_mission(self, state: MissionState, reason: str | None = None) -> None:
        """Change the mission's state, with the reason when it is blocked or failed."""
        if state is not self.mission.state:
            MISSION_LIFECYCLE.check(self.mission.state, state)
            self.say(f"mission.{state.value}", f"mission is {state.value}" + (f": {reason}" if reason else ""))
        self.put_mission(state=state, blocked_reason=reason)

    def give(self, spec: TaskSpec, agent_id: str) -> None:
        """Hand a new task to an agent."""
        self._given.append(Given(spec=spec, agent_id=agent_id, expected_load=self.load[agent_id]))
        self.load[agent_id] += 1

    def cancel(self, task: Task, reason: str) -> None:
        """Take an open task back."""
        self._cancelled.append(Cancelled(task_id=task.id, reason=reason))
        if task.agent_id in self.load:
            self.load[task.agent_id] -= 1
        del self.tasks[task.id]

    def cancel_tasks_of(self, item_id: str, reason: str) -> None:
        """Take back whatever is being done for an item; it knows of no review then."""
        item = self.items[item_id]
        for task_id in (item.task_id, item.review_task_id):
            task = self.tasks.get(task_id or "")
            if task is not None and task.is_open:
                self.cancel(task, reason)
        self.put(item_id, review_task_id=None)

    def settle(self, task_id: str) -> None:
        """Remember that a finished task has been taken into account."""
        self._settled.append(task_id)
        del self.tasks[task_id]

    def answer(self, target: str, token: str) -> None:
        """Remember that a signal was answered; it makes nothing due any more. One that came since is another."""
        self._answered[target] = token
        if self.signals.get(target) == token:
            del self.signals[target]

    def send(self, message: Message) -> None:
        """Send a message with the commit."""
        self._messages.append(message)

    def withdraw(self, to: str, message_id: str) -> None:
        """Take a message out of an inbox with the commit, if it is still there."""
        self._withdrawn.append((to, message_id))

    def say(self, type_: str, text: str, *, item: str | None = None, agent: str | None = None) -> None:
        """Add a line to the mission's log and to the town's event stream."""
        self._events.append(MissionEvent(at=self.now, type=type_, text=text, item_id=item, agent_id=agent))

    def want(self, want: Want) -> None:
        """Have something done outside after the commit."""
        self.wants.append(want)

    def wake(self, at: datetime) -> None:
        """Look again no later than `at`."""
        if self.wake_at is None or at < self.wake_at:
            self.wake_at = at

    # Result

    def next_id(self, *parts: object) -> str:
        """An id that the same decision gives again."""
        return derive_id(self.mission.id, *parts)

    def changes(self) -> Changes:
        """What the commit has to write."""
        self.put_mission(next_wake_at=self.wake_at)
        items = tuple(item for i in self._items if not _same(item := self.items[i], self.before.items.get(i)))
        watches = tuple(self.watches[w] for w in self._watches if self.watches[w] != self.before.watches.get(w))
        acts = (
            items,
            watches,
            self._given,
            self._cancelled,
            self._settled,
            self._answered,
            self._messages,
            self._withdrawn,
        )
        is_empty = not any((*acts, self._events)) and self.mission == self.before.mission
        if not is_empty:
            self.put_mission(updated_at=self.now)
        return Changes(
            mission=self.mission,
            items=items,
            watches=watches,
            given=tuple(self._given),
            cancelled=tuple(self._cancelled),
            settled=tuple(self._settled),
            answered=dict(self._answered),
            messages=tuple(self._messages),
            withdrawn=tuple(self._withdrawn),
            events=tuple(self._events),
            is_empty=is_empty,
        )


def _same(new: WorkItem, old: WorkItem | None) -> bool:
    """Whether nothing but the time of the change differs."""
    return old is not None and msgspec.structs.replace(new, updated_at=old.updated_at) == old
