"""Whatever state an item is in: a status set by hand is reached or refused, and the mission goes on soundly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.planner.world import (
    AGENTS,
    AT_WORK,
    HEAD,
    NOW,
    REVIEWING,
    agent_id,
    applied,
    fix_request,
    item_id,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    make_task,
    step,
)

from tinytown.domain.errors import IllegalTransitionError
from tinytown.domain.ids import derive_id
from tinytown.domain.mission import MissionState
from tinytown.domain.task import TaskKind, TaskState
from tinytown.domain.workitem import BUSY, WorkItem, WorkKind, WorkStatus
from tinytown.planner import by_hand
from tinytown.planner.draft import Draft
from tinytown.planner.snapshot import Snapshot

FREE = (*AGENTS[1:], AT_WORK, REVIEWING)
TASK = derive_id(item_id(1), "task")


@st.composite
def missions(draw: st.DrawFn) -> Snapshot:
    """A mission whose #1 is anywhere, between one that it depends on and one that depends on it."""
    status = draw(st.sampled_from(WorkStatus))
    is_handed_in = status is not WorkStatus.PENDING and draw(st.booleans())
    pull = make_pull(is_open=draw(st.booleans())) if is_handed_in and draw(st.booleans()) else None
    is_busy = status in BUSY
    item = make_item(
        1,
        status=status,
        needs=[2] if draw(st.booleans()) else [],
        kind=draw(st.sampled_from(WorkKind)),
        hold="look"
        if status is not WorkStatus.DONE and status is not WorkStatus.PENDING and draw(st.booleans())
        else None,
        submitted=HEAD if is_handed_in else None,
        pull=pull,
        fixes=(fix_request("checks"),) if is_handed_in and draw(st.booleans()) else (),
        task_id=TASK if is_busy else None,
        assigned_to=agent_id("backend") if is_busy else None,
        tasks_given=1,
    )
    state = draw(st.sampled_from([TaskState.ASSIGNED, TaskState.RUNNING, TaskState.COMPLETED, TaskState.FAILED]))
    kind = TaskKind.FIX if is_handed_in else TaskKind.WORK
    tasks = (make_task(item, kind=kind, state=state),) if is_busy and draw(st.booleans()) else ()
    before = make_item(2, status=draw(st.sampled_from([WorkStatus.READY, WorkStatus.DONE])))
    is_paused = draw(st.booleans())
    mission = make_mission(state=MissionState.BLOCKED if is_paused else MissionState.RUNNING, is_paused=is_paused)
    return make_snapshot(item, before, make_item(3, needs=[1]), *tasks, *FREE, mission=mission)


@given(snapshot=missions(), status=st.sampled_from(WorkStatus))
def test_status_is_reached_or_refused_and_nothing_is_given_out_twice(snapshot: Snapshot, status: WorkStatus) -> None:
    draft = Draft(snapshot, NOW)
    old = draft.items[item_id(1)]
    try:
        after = by_hand.update(draft, old, status, ())
    except IllegalTransitionError:
        assert draft.changes().is_empty
        return
    assert after.status is status

    moved = applied(snapshot, draft.changes())
    _check(moved, after)
    for _ in range(3):
        moved, _ = step(moved)
        _check(moved, moved.items[item_id(1)])


def _check(snapshot: Snapshot, item: WorkItem) -> None:
    """At most one open task is the item's; none is anybody's that it does not know."""
    tasks = [task for task in snapshot.tasks.values() if task.spec.item_id == item.id and task.is_open]
    assert {task.id for task in tasks} <= {item.task_id, item.review_task_id}
    work = [task for task in tasks if task.spec.kind is not TaskKind.REVIEW]
    assert len(work) <= 1
    if item.status is WorkStatus.DONE:
        assert tasks == []
