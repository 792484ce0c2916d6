"""Missions of a town that is served."""

from __future__ import annotations

from typing import Any

import msgspec
from tests.integration.store.stores import NOW, Stores, later, make_item, make_mission

from tinytown.domain.ids import derive_id, new_id
from tinytown.domain.mission import MissionEvent, MissionState
from tinytown.domain.task import TaskKind, TaskSpec
from tinytown.domain.watch import TRIGGERS, Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import PullState, WorkItem, WorkStatus
from tinytown.store.missions import Handed

NOBODY = "00000000-0000-4000-8000-00000000dead"
"""A UUID that nothing has."""
ROOT = "00000000-0000-4000-8000-00000000beef"
HEAD = "a" * 40


def item_id(number: int) -> str:
    """The id of item #number."""
    return derive_id(ROOT, number)


def work(number: int, status: WorkStatus = WorkStatus.READY, **fields: Any) -> WorkItem:
    """Item #number."""
    key, branch = f"#{number}", f"tt/{number}"
    return make_item(item_id(number), key=key, status=status, branch=branch, **{"title": f"thing {number}", **fields})


def handed_in(number: int, **fields: Any) -> WorkItem:
    """Item #number with its pull request open."""
    pull = PullState(number=number, url=f"local/repo/pull/{number}", head=HEAD, base="main", opened_at=NOW)
    return work(number, WorkStatus.BLOCKED, **{"submitted": HEAD, "pull": pull, **fields})


def mission(stores: Stores, *items: WorkItem, **fields: Any) -> str:
    """Store a mission of these items, running unless said otherwise; its id."""
    made = make_mission(**fields)
    owned = [msgspec.structs.replace(item, mission_id=made.id) for item in items]
    started = MissionEvent(at=NOW, type="mission.started", text="it started")
    stores.missions.create(made, owned, {}, (started,), made.created_at)
    if not made.is_active:
        stores.commit(stores.read(made.id, dispatcher=None), mission=made)
    return made.id


def ended(stores: Stores, *items: WorkItem) -> str:
    """Store a mission that is completed; its id."""
    return mission(stores, *items, state=MissionState.COMPLETED)


def watch(stores: Stores, mission_id: str, item: WorkItem, kind: WatchKind, **fields: Any) -> Watch:
    """Store a watch of an item's pull request."""
    values: dict[str, Any] = {
        "id": new_id(),
        "mission_id": mission_id,
        "work_item_id": item.id,
        "kind": kind,
        "target_ref": f"local/repo/pull/{item.key[1:]}",
        "interval_secs": 180,
        "next_due_at": later(180),
        "status": WatchStatus.ACTIVE,
        "on_trigger": TRIGGERS[kind],
    }
    made = Watch(**{**values, **fields})
    stores.commit(stores.read(mission_id, dispatcher=None), watches=[made])
    return made


def given(stores: Stores, mission_id: str, number: int, agent: str, kind: TaskKind = TaskKind.WORK) -> str:
    """Hand item #number to an agent; its task's id."""
    spec = TaskSpec(
        id=new_id(), kind=kind, title="do it", created_at=NOW, mission_id=mission_id, item_id=item_id(number)
    )
    seen = stores.read(mission_id, dispatcher=None)
    item = msgspec.structs.replace(
        seen.items[item_id(number)], status=WorkStatus.ASSIGNED, task_id=spec.id, assigned_to=agent
    )
    stores.commit(seen, items=[item], given=[Handed(spec=spec, agent_id=agent, load=0)])
    return spec.id


def moved(stores: Stores, mission_id: str, number: int, status: WorkStatus) -> None:
    """Set item #number's status as a step would."""
    seen = stores.read(mission_id, dispatcher=None)
    stores.commit(seen, items=[msgspec.structs.replace(seen.items[item_id(number)], status=status)])
