from __future__ import annotations

import pytest
from tests.unit.planner.world import (
    agent_id,
    changed,
    decided,
    fix_request,
    given_to,
    in_review,
    in_work,
    later,
    make_agent,
    make_pull,
    make_task,
    said,
)

from tinytown.domain.agent import Agent, AgentState
from tinytown.domain.task import TaskKind, TaskState
from tinytown.domain.workitem import WorkStatus

AWAY = [AgentState.COLD, AgentState.PAUSED, AgentState.STARTING]


@pytest.mark.parametrize("state", [AgentState.STOPPED, AgentState.ERROR])
def test_work_of_an_agent_that_is_gone_goes_to_another_at_once(state: AgentState) -> None:
    item = in_work(1)
    task = make_task(item, state=TaskState.ASSIGNED)

    decision = decided(item, task, make_agent("backend", state=state, open_tasks=1), make_agent("worker"))

    assert [(one.task_id, one.reason) for one in decision.changes.cancelled] == [
        (task.id, f"backend is {state.phrase}")
    ]
    assert given_to(decision) == {"#1": agent_id("worker")}
    assert "item.released" in said(decision.changes)


def test_work_of_an_agent_that_is_not_even_known_goes_to_another() -> None:
    item = in_work(1)

    decision = decided(item, make_task(item), make_agent("worker"))

    assert [one.reason for one in decision.changes.cancelled] == ["its agent is gone"]
    assert given_to(decision) == {"#1": agent_id("worker")}


@pytest.mark.parametrize("state", AWAY)
def test_agent_that_may_come_back_is_waited_for_a_while(state: AgentState) -> None:
    item = in_work(1)
    away = make_agent("backend", state=state, open_tasks=1)
    things = (item, make_task(item, state=TaskState.ASSIGNED), away, make_agent("worker"))

    early, late = decided(*things, now=later(59)), decided(*things, now=later(60))

    assert (early.changes.cancelled, early.wake_at) == ((), later(60))
    assert given_to(late) == {"#1": agent_id("worker")}


BUSY = make_agent("worker", state=AgentState.WORKING, open_tasks=1)
RESERVED = make_agent("rev", "reviewer")


@pytest.mark.parametrize("other", [BUSY, RESERVED])
def test_agent_that_is_away_keeps_its_work_while_nobody_suitable_is_free(other: Agent) -> None:
    item = in_work(1)
    away = make_agent("backend", state=AgentState.COLD, open_tasks=1)
    things = (item, make_task(item, state=TaskState.ASSIGNED), away, other)

    early, late = decided(*things, now=later(659)), decided(*things, now=later(660))

    assert (early.changes.cancelled, early.wake_at) == ((), later(660))
    assert [one.reason for one in late.changes.cancelled] == ["backend is cold"]


def test_end_of_a_rate_limit_is_waited_for_while_nobody_suitable_is_free() -> None:
    item = in_work(1)
    paused = make_agent("backend", state=AgentState.PAUSED, paused_until=later(3000), open_tasks=1)
    things = (item, make_task(item, state=TaskState.ASSIGNED), paused)

    early, late = decided(*things, RESERVED, now=later(2999)), decided(*things, RESERVED, now=later(3660))
    other = decided(*things, make_agent("worker"), now=later(60))

    assert (early.changes.cancelled, early.changes.mission.help) == ((), None)
    assert [one.task_id for one in late.changes.cancelled] == [item.task_id]
    assert given_to(other) == {"#1": agent_id("worker")}


def test_one_free_agent_stands_in_for_one_that_is_away() -> None:
    first, second = in_work(1), in_work(2, "frontend")
    things = [make_agent(name, state=AgentState.COLD, open_tasks=1) for name in ("backend", "frontend")]
    tasks = [make_task(first, state=TaskState.ASSIGNED), make_task(second, "frontend", state=TaskState.ASSIGNED)]

    decision = decided(first, second, *tasks, *things, make_agent("worker"), now=later(60))

    assert [one.task_id for one in decision.changes.cancelled] == [first.task_id]


def test_review_stays_with_a_reviewer_who_is_away_while_only_others_are_free() -> None:
    item = in_review(1)
    away = make_agent("reviewer", state=AgentState.COLD, open_tasks=1)
    task = make_task(item, "reviewer", TaskKind.REVIEW, state=TaskState.ASSIGNED)

    decision = decided(item, task, away, make_agent("tester"), now=later(60))
    with_another = decided(item, task, away, make_agent("rev2", "reviewer"), now=later(60))

    assert decision.changes.cancelled == ()
    assert given_to(with_another) == {"#1": agent_id("rev2")}


@pytest.mark.parametrize(("lost", "runs", "is_held"), [(2, 1, False), (3, 0, False), (3, 1, True)])
def test_item_whose_runs_are_lost_with_their_agents_again_and_again_is_held(
    lost: int, runs: int, *, is_held: bool
) -> None:
    item = in_work(1, lost_runs=lost)

    decision = decided(item, make_task(item, runs=runs), make_agent("backend", state=AgentState.ERROR), now=later(60))

    assert changed(decision, 1).lost_runs == lost + runs
    assert (changed(decision, 1).hold is not None) is is_held


@pytest.mark.parametrize("state", [AgentState.WORKING, AgentState.IDLE, AgentState.DRAINING])
def test_agent_that_is_there_keeps_its_work(state: AgentState) -> None:
    item = in_work(1)
    there = make_agent("backend", state=state, open_tasks=1)

    decision = decided(item, make_task(item), there, make_agent("worker"), now=later(9999))

    assert decision.changes.cancelled == ()


def test_task_that_has_ended_is_taken_in_though_its_agent_is_gone() -> None:
    item = in_work(1)
    task = make_task(item, state=TaskState.COMPLETED, head="a" * 40)

    decision = decided(item, task, make_agent("backend", state=AgentState.STOPPED))

    assert decision.changes.cancelled == ()
    assert changed(decision, 1).submitted == "a" * 40


def test_review_of_an_agent_that_is_gone_goes_to_another() -> None:
    item = in_review(1)
    gone = make_agent("reviewer", state=AgentState.STOPPED, open_tasks=1)
    task = make_task(item, "reviewer", TaskKind.REVIEW)

    decision = decided(item, task, gone, make_agent("rev2", "reviewer"))

    assert [one.task_id for one in decision.changes.cancelled] == [task.id]
    assert given_to(decision) == {"#1": agent_id("rev2")}
    assert changed(decision, 1).status is WorkStatus.BLOCKED


def test_fix_of_an_agent_that_is_gone_is_mended_by_another() -> None:
    item = in_work(1, submitted="a" * 40, pull=make_pull(), fixes=(fix_request("checks"),), fix_rounds=1)
    task = make_task(item, kind=TaskKind.FIX, causes=("checks",))

    decision = decided(item, task, make_agent("backend", state=AgentState.ERROR), make_agent("worker"))

    (given,) = decision.changes.given
    assert (given.spec.kind, given.spec.causes, given.agent_id) == (TaskKind.FIX, ("checks",), agent_id("worker"))
