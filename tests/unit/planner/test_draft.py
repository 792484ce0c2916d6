from __future__ import annotations

import msgspec
import pytest
from tests.unit.planner.world import (
    NOW,
    handed_in,
    in_work,
    item_id,
    later,
    make_agent,
    make_draft,
    make_item,
    make_mission,
    make_task,
    make_watch,
    ready,
)

from tinytown.domain.errors import IllegalTransitionError
from tinytown.domain.mission import MissionState
from tinytown.domain.task import TaskKind, TaskSpec
from tinytown.domain.watch import WatchKind, WatchStatus
from tinytown.domain.workitem import WorkStatus


def test_draft_that_changes_nothing_has_nothing_to_commit() -> None:
    changes = make_draft(ready(1)).changes()

    assert changes.is_empty
    assert changes.mission.updated_at == NOW


def test_item_put_back_as_it_was_is_not_written() -> None:
    draft = make_draft(ready(1, updated_at=later(-60)))
    draft.put(item_id(1), priority=5)
    draft.put(item_id(1), priority=0)

    assert draft.changes().is_empty


def test_watch_put_back_as_it_was_is_not_written() -> None:
    watch = make_watch(handed_in(1), WatchKind.PR_CHECKS)
    draft = make_draft(handed_in(1), watch)
    draft.put_watch(msgspec.structs.replace(watch, finding="x"))
    draft.put_watch(watch)

    assert draft.changes().is_empty


def test_item_that_changed_carries_the_time_of_the_change() -> None:
    draft = make_draft(ready(1, updated_at=later(-60)))
    draft.put(item_id(1), priority=5)

    (item,) = draft.changes().items
    assert (item.priority, item.updated_at) == (5, NOW)


def test_illegal_move_of_an_item_raises_and_changes_nothing() -> None:
    draft = make_draft(make_item(1, status=WorkStatus.DONE))

    with pytest.raises(IllegalTransitionError, match="the item is done"):
        draft.move(item_id(1), WorkStatus.RUNNING)
    assert draft.changes().is_empty


def test_illegal_move_of_a_mission_or_watch_raises() -> None:
    watch = make_watch(handed_in(1), WatchKind.PR_CHECKS, status=WatchStatus.DONE)
    draft = make_draft(handed_in(1), watch, mission=make_mission(state=MissionState.FAILED))

    with pytest.raises(IllegalTransitionError, match="the mission is failed"):
        draft.move_mission(MissionState.RUNNING)
    with pytest.raises(IllegalTransitionError, match="the watch is done"):
        draft.put_watch(msgspec.structs.replace(watch, status=WatchStatus.SNOOZED))


def test_load_of_an_agent_follows_what_is_given_and_taken_back() -> None:
    item = in_work(1)
    task = make_task(item)
    draft = make_draft(item, task, make_agent("backend", open_tasks=1))

    draft.cancel(task, "no longer wanted")
    draft.give(TaskSpec(id="new", kind=TaskKind.WORK, title="t", created_at=NOW), make_agent("backend").id)

    (given,) = draft.changes().given
    assert given.expected_load == 0
    assert draft.load[given.agent_id] == 1
    assert task.id not in draft.tasks


def test_task_of_an_agent_that_is_gone_can_be_taken_back() -> None:
    item = in_work(1)
    task = make_task(item)
    draft = make_draft(item, task)

    draft.cancel_tasks_of(item.id, "gone")

    assert [one.task_id for one in draft.changes().cancelled] == [task.id]


def test_earliest_wake_counts() -> None:
    draft = make_draft(ready(1))
    for secs in (50, 20, 90):
        draft.wake(later(secs))

    assert draft.changes().mission.next_wake_at == later(20)


def test_ids_are_the_same_for_the_same_decision_and_differ_otherwise() -> None:
    draft = make_draft(ready(1))

    assert draft.next_id("task", 1) == make_draft(ready(1)).next_id("task", 1)
    assert draft.next_id("task", 1) != draft.next_id("task", 2)
    assert draft.next_id("a", "bc") != draft.next_id("ab", "c")
