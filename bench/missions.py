"""Large missions, stored by the stores' own means, and what may happen to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from tinytown.domain.ids import derive_id, new_id
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.task import Report, TaskKind, TaskSpec
from tinytown.domain.watch import TRIGGERS, Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import PullState, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.store.missions import Commit, Handed, MissionStore, Stored, targets
from tinytown.store.tasks import TaskStore

PARALLEL = 50
"""Agents, and most items at a time."""
HAPPENINGS = 10
_KINDS = (WatchKind.PR_CHECKS, WatchKind.MERGEABILITY)


class Situation(Enum):
    """What a step finds."""

    QUIET = "nothing due"
    """The commonest step. Fifty agents are at work; half of the rest are in checks, half wait for others."""
    SOME = "10 runs ended"
    """The same, but ten agents have finished: their items are done, others become ready and are given out."""
    ALL = "everything ready"
    """The one item that all others waited for is done: all become ready, fifty are given out."""


class Large:
    """A mission of many items, and twice as many watches."""

    def __init__(self, situation: Situation, size: int, agents: Sequence[str], now: datetime) -> None:
        self._situation = situation
        self._agents = agents
        self._now = now
        self.mission = Mission(
            id=new_id(),
            objective_refs=(),
            state=MissionState.RUNNING,
            policy=MissionPolicy(max_parallel_items=PARALLEL),
            created_at=now,
            updated_at=now,
        )
        self._ids = [derive_id(self.mission.id, number) for number in range(size)]
        self._busy = 1 if situation is Situation.ALL else PARALLEL

    def store(self, missions: MissionStore) -> None:
        """Store it whole."""
        items = list(self._items())
        missions.create(self.mission, items, {}, (), self._now)
        seen = missions.read(self.mission.id)
        assert isinstance(seen, Stored)  # noqa: S101  nobody has a lease on it
        watches = {watch.id: watch for item in items for watch in self._watches(item)}
        commit = Commit(
            mission=self.mission,
            watches=tuple(watches.values()),
            watched=sorted(targets(watches)),
            given=[self._handed(item) for item in items[: self._busy]],
        )
        missions.commit(seen, commit, self._now, due=None)

    def disturb(self, tasks: TaskStore) -> None:
        """Let happen what the situation says."""
        ended = {Situation.QUIET: 0, Situation.SOME: HAPPENINGS, Situation.ALL: 1}[self._situation]
        for number in range(ended):
            task_id = derive_id(self._ids[number], "task")
            tasks.report(task_id, Report.COMPLETED, self._now, result="looked at", run_id=None)

    def _items(self) -> Iterator[WorkItem]:
        size, busy = len(self._ids), self._busy
        for number in range(size):
            if number < busy:
                yield self._item(number, **self._assigned(number))
            elif self._situation is Situation.ALL:
                yield self._item(number, depends_on=(self._ids[0],))
            elif number < size // 2:
                yield self._item(number, **self._in_checks(number))
            else:
                earlier = number - size // 2
                before = earlier if earlier < busy else number - busy
                yield self._item(number, depends_on=(self._ids[before],))

    def _item(self, number: int, **more: Any) -> WorkItem:
        item = WorkItem(
            id=self._ids[number],
            mission_id=self.mission.id,
            key=f"#{number}",
            title=f"Part {number} of something large",
            kind=WorkKind.IMPLEMENT,
            status=WorkStatus.PENDING,
            owner_role="worker",
            source_ref=f"local/repo#{number}",
            branch=f"tt/{number}-part",
            created_at=self._now,
            updated_at=self._now,
        )
        return msgspec.structs.replace(item, **more)

    def _assigned(self, number: int) -> dict[str, Any]:
        task_id = derive_id(self._ids[number], "task")
        return {
            "kind": WorkKind.REVIEW,
            "status": WorkStatus.ASSIGNED,
            "assigned_to": self._agents[number],
            "task_id": task_id,
            "tasks_given": 1,
        }

    def _in_checks(self, number: int) -> dict[str, Any]:
        head = f"{number:040x}"
        pull = PullState(number=number, url=_url(number), head=head, checks=Verdict.PENDING, mergeable=Verdict.PASSED)
        return {"status": WorkStatus.BLOCKED, "submitted": head, "pull": pull, "artifact_refs": (head, pull.url)}

    def _watches(self, item: WorkItem) -> Iterator[Watch]:
        for kind in _KINDS:
            yield Watch(
                id=derive_id(item.id, "watch", kind.value),
                mission_id=self.mission.id,
                work_item_id=item.id,
                kind=kind,
                target_ref=_url(int(item.key[1:])),
                interval_secs=180,
                next_due_at=self._now + timedelta(hours=1),
                status=WatchStatus.ACTIVE,
                on_trigger=TRIGGERS[kind],
                finding="CI check: pending",
            )

    def _handed(self, item: WorkItem) -> Handed:
        assert item.task_id is not None and item.assigned_to is not None  # noqa: S101, PT018  as `_assigned` makes it
        spec = TaskSpec(
            id=item.task_id,
            kind=TaskKind.WORK,
            title=item.title,
            created_at=self._now,
            mission_id=self.mission.id,
            item_id=item.id,
        )
        return Handed(spec=spec, agent_id=item.assigned_to, load=0)


def _url(number: int) -> str:
    return f"local:pull/{number}"
