from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from tests.unit.planner.world import (
    handed_in,
    in_work,
    make_agent,
    make_item,
    make_mission,
    make_task,
    make_watch,
    passed,
)

from tinytown.domain.event import Event
from tinytown.domain.mission import MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.task import TaskState
from tinytown.domain.watch import TRIGGERS, WatchKind
from tinytown.domain.workitem import BRANCH_KINDS, REVIEWED_KINDS, WorkKind, WorkStatus


def test_policy_has_the_defaults_of_the_mission_mode_document() -> None:
    policy = MissionPolicy()

    assert policy.max_parallel_items == 2
    assert policy.reviewer_required
    assert not policy.auto_merge
    assert policy.watch_interval_secs == 180


@pytest.mark.parametrize(
    "record",
    [
        make_item(1),
        handed_in(1, pull=passed()),
        make_mission(),
        make_watch(handed_in(1), WatchKind.PR_CHECKS),
        make_task(in_work(1)),
        make_agent("backend"),
        Event(id="1-0", at=datetime(2026, 1, 1, tzinfo=UTC), type="task.completed"),
    ],
    ids=lambda record: type(record).__name__,
)
def test_record_comes_back_from_json_as_it_was(record: msgspec.Struct) -> None:
    assert msgspec.json.decode(msgspec.json.encode(record), type=type(record)) == record


def test_record_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        make_item(1).title = "x"  # type: ignore[misc]  # that is the point


def test_only_kinds_with_a_branch_are_reviewed() -> None:
    assert REVIEWED_KINDS < BRANCH_KINDS
    assert not make_item(1, kind=WorkKind.REVIEW).has_branch
    assert make_item(1).has_branch


def test_item_is_merged_when_its_pull_request_is() -> None:
    assert not make_item(1).is_merged
    assert not handed_in(1).is_merged
    assert handed_in(1, pull=passed(merged_as="c" * 40)).is_merged
    assert make_item(1, status=WorkStatus.DONE).is_done


def test_every_kind_of_watch_has_what_follows_from_it() -> None:
    assert set(TRIGGERS) == set(WatchKind)


def test_mission_is_active_until_it_ends() -> None:
    assert make_mission().is_active
    assert not make_mission(state=MissionState.FAILED).is_active


def test_task_is_open_until_it_ends() -> None:
    task = make_task(in_work(1))

    assert task.is_open
    assert not msgspec.structs.replace(task, state=TaskState.CANCELLED).is_open
    assert make_agent("backend").id == make_agent("backend").spec.id
