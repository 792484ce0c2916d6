from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from tinytown.domain.agent import AGENT_LIFECYCLE, AgentState
from tinytown.domain.errors import IllegalTransitionError
from tinytown.domain.lifecycle import Lifecycle
from tinytown.domain.mission import ACTIVE_STATES, MISSION_LIFECYCLE, MissionState
from tinytown.domain.task import OPEN_TASKS, TASK_LIFECYCLE, TaskState
from tinytown.domain.watch import WATCH_LIFECYCLE, WatchStatus
from tinytown.domain.workitem import WORK_LIFECYCLE, WorkStatus

ALL: list[tuple[Lifecycle[Any], type[Enum]]] = [
    (MISSION_LIFECYCLE, MissionState),
    (WORK_LIFECYCLE, WorkStatus),
    (TASK_LIFECYCLE, TaskState),
    (WATCH_LIFECYCLE, WatchStatus),
    (AGENT_LIFECYCLE, AgentState),
]
RESTING = {AgentState.STOPPED, MissionState.COMPLETED, WorkStatus.DONE, WatchStatus.DONE}
"""Ends that a person may take things up again from."""
each = pytest.mark.parametrize(("lifecycle", "states"), ALL, ids=[lifecycle.name for lifecycle, _ in ALL])


class Door(Enum):
    OPEN = "open"
    SHUT = "shut"
    GONE = "gone"


DOOR = Lifecycle("the door", Door.SHUT, {Door.SHUT: (Door.OPEN, Door.GONE), Door.OPEN: (Door.SHUT,), Door.GONE: ()})


def test_allowed_transition_is_passed_through() -> None:
    assert DOOR.check(Door.SHUT, Door.OPEN) is Door.OPEN


def test_illegal_transition_names_what_may_follow() -> None:
    with pytest.raises(IllegalTransitionError) as caught:
        DOOR.check(Door.OPEN, Door.GONE)

    assert caught.value.message == "the door is open and cannot become gone; it can become: shut"
    assert caught.value.evidence == {"old": "open", "new": "gone"}


def test_nothing_follows_a_final_state() -> None:
    with pytest.raises(IllegalTransitionError, match="it can become: nothing"):
        DOOR.check(Door.GONE, Door.OPEN)
    assert [state for state in Door if DOOR.is_final(state)] == [Door.GONE]


def test_predecessors_are_those_the_table_leads_from() -> None:
    assert DOOR.before(Door.SHUT) == (Door.OPEN,)
    assert DOOR.before(Door.GONE) == (Door.SHUT,)


def test_diagram_is_drawn_from_the_table() -> None:
    assert DOOR.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> shut",
        "    shut --> open",
        "    shut --> gone",
        "    open --> shut",
        "    gone --> [*]",
    ]


@each
def test_table_knows_every_state(lifecycle: Lifecycle[Any], states: type[Enum]) -> None:
    assert set(lifecycle.states()) == set(states)


@each
def test_every_state_can_be_reached_from_the_first(lifecycle: Lifecycle[Any], states: type[Enum]) -> None:
    reached, edges = {lifecycle.initial}, list(lifecycle.edges())
    for _ in states:
        reached |= {new for old, new in edges if old in reached}

    assert reached == set(states)


@each
def test_an_end_can_be_reached_from_every_state(lifecycle: Lifecycle[Any], states: type[Enum]) -> None:
    ends = {state for state in states if lifecycle.is_final(state) or state in RESTING}
    for _ in states:
        ends |= {old for old, new in lifecycle.edges() if new in ends}

    assert ends == set(states)


def test_missions_that_have_not_ended_are_active() -> None:
    ended = {s for s in MissionState if MISSION_LIFECYCLE.is_final(s) or s in RESTING}
    assert frozenset(MissionState) - ended == ACTIVE_STATES


def test_tasks_that_are_not_final_are_open() -> None:
    assert frozenset(s for s in TaskState if not TASK_LIFECYCLE.is_final(s)) == OPEN_TASKS
