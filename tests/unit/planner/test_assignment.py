from __future__ import annotations

import pytest
from tests.unit.planner.world import (
    HEAD,
    NOW,
    agent_id,
    changed,
    decided,
    fix_request,
    given_to,
    handed_in,
    in_review,
    in_work,
    later,
    make_agent,
    make_draft,
    make_item,
    make_mission,
    make_pull,
    make_task,
    passed,
    ready,
    reported,
    said,
)

from tinytown.domain.agent import Agent, AgentState
from tinytown.domain.task import Report, TaskKind, TaskState
from tinytown.domain.workitem import Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner.assign import in_order
from tinytown.planner.fit import suitable_workers, worker_for

WORKERS = [make_agent(f"worker-{n}", "worker") for n in range(4)]


def given_keys(*things: WorkItem | Agent, limit: int = 1) -> list[str]:
    decision = decided(*things, mission=make_mission(policy={"max_parallel_items": limit}))
    keys = {item.id: item.key for item in decision.changes.items}
    return [keys[given.spec.item_id or ""] for given in decision.changes.given]


def chosen(item: WorkItem, *agents: Agent, reviewer_required: bool = True) -> str | None:
    mission = make_mission(policy={"reviewer_required": reviewer_required})
    agent = worker_for(make_draft(item, *agents, mission=mission), item)
    return agent.name if agent else None


# Limits and order


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_more_items_are_in_work_than_the_policy_allows(limit: int) -> None:
    assert len(given_keys(*(ready(n) for n in range(1, 6)), *WORKERS, limit=limit)) == limit


@pytest.mark.parametrize("status", [WorkStatus.ASSIGNED, WorkStatus.RUNNING])
def test_items_in_work_already_count_against_the_limit(status: WorkStatus) -> None:
    busy = in_work(1, status=status)
    working = make_agent("backend", state=AgentState.WORKING, open_tasks=1)

    decision = decided(busy, make_task(busy), ready(2), ready(3), working, *WORKERS)

    assert list(given_to(decision)) == ["#2"]


def test_reviews_do_not_count_against_the_limit() -> None:
    reviewed = handed_in(1, pull=make_pull(1, checks=Verdict.PASSED))

    assert given_keys(reviewed, ready(2), make_agent("backend"), make_agent("reviewer"), limit=1) == ["#1", "#2"]


def test_higher_priority_goes_first() -> None:
    assert given_keys(ready(1), ready(2, priority=5), ready(3, priority=-1), *WORKERS[:1]) == ["#2"]


def test_among_equal_priorities_the_longest_chain_behind_goes_first() -> None:
    chain = [make_item(4, needs=[3]), make_item(5, needs=[4])]
    wide = [make_item(n, needs=[1]) for n in (6, 7, 8)]

    assert given_keys(ready(1), ready(2), ready(3), *chain, *wide, *WORKERS[:1]) == ["#3"]


def test_what_is_done_already_does_not_wait_behind_anything() -> None:
    done = make_item(3, needs=[2], status=WorkStatus.DONE)

    assert given_keys(ready(1), ready(2), done, *WORKERS[:1]) == ["#1"]


def test_the_older_goes_first_among_equals() -> None:
    assert given_keys(ready(1, created_at=NOW), ready(2, created_at=later(-60)), *WORKERS[:1]) == ["#2"]


def test_items_made_at_once_go_by_their_numbers_and_documents_by_their_names() -> None:
    docs = [make_item(n, key=key, status=WorkStatus.READY) for n, key in ((50, "b.md"), (51, "a.md"))]
    items = [ready(10), ready(9), *docs]

    assert [i.key for i in in_order(make_draft(*items), items)] == ["a.md", "b.md", "#9", "#10"]


def test_item_that_nobody_can_take_does_not_hold_up_the_next() -> None:
    busy = make_agent("frontend", state=AgentState.WORKING, open_tasks=1)
    items = [ready(1, owner_role="frontend", priority=9), ready(2, owner_role="backend")]

    assert given_keys(*items, make_agent("backend"), busy) == ["#2"]


# Who fits


@pytest.mark.parametrize(
    ("agents", "best"),
    [
        (["worker", "developer", "backend"], "backend"),
        (["designer", "worker", "developer"], "developer"),
        (["designer", "worker"], "worker"),
        (["designer"], "designer"),
        ([], None),
    ],
)
def test_exact_role_comes_before_usual_role_before_generic_worker_before_anyone(
    agents: list[str], best: str | None
) -> None:
    assert chosen(ready(1, owner_role="backend"), *map(make_agent, agents)) == best


def test_agent_named_like_the_role_is_an_exact_fit() -> None:
    assert chosen(ready(1, owner_role="Alice"), make_agent("alice", "worker"), make_agent("worker")) == "alice"


def test_busy_specialist_is_worth_waiting_for() -> None:
    busy = make_agent("backend", state=AgentState.WORKING, open_tasks=1)

    assert chosen(ready(1, owner_role="backend"), busy, make_agent("designer")) is None


def test_generic_worker_takes_what_a_busy_specialist_cannot() -> None:
    busy = make_agent("backend", state=AgentState.WORKING, open_tasks=1)

    assert chosen(ready(1, owner_role="backend"), busy, make_agent("worker")) == "worker"


def test_specialist_that_is_gone_is_not_waited_for() -> None:
    gone = make_agent("backend", state=AgentState.STOPPED)

    assert chosen(ready(1, owner_role="backend"), gone, make_agent("designer")) == "designer"


def test_reviewer_is_kept_free_while_reviews_are_required() -> None:
    assert chosen(ready(1), make_agent("reviewer")) is None
    assert chosen(ready(1), make_agent("reviewer"), reviewer_required=False) == "reviewer"


def test_reviewer_takes_work_that_asks_for_a_reviewer() -> None:
    reviewer = make_agent("rev", "reviewer")

    assert chosen(ready(1, kind=WorkKind.REVIEW), reviewer) == "rev"
    assert chosen(ready(1, owner_role="reviewer"), reviewer) == "rev"


@pytest.mark.parametrize(
    "busy",
    [
        make_agent("backend", open_tasks=1),
        make_agent("backend", state=AgentState.WORKING),
        make_agent("backend", state=AgentState.STARTING),
        make_agent("backend", state=AgentState.PAUSED),
        make_agent("backend", state=AgentState.DRAINING),
    ],
)
def test_agent_gets_nothing_while_it_has_a_task_or_is_not_idle(busy: Agent) -> None:
    assert chosen(ready(1, owner_role="backend"), busy) is None


def test_agent_gets_one_task_in_one_step() -> None:
    decision = decided(ready(1), ready(2), make_agent("worker"))

    assert list(given_to(decision)) == ["#1"]


def test_the_one_that_has_done_least_goes_first_then_by_name() -> None:
    tired = make_agent("a", "worker", rounds_completed=3)

    assert chosen(ready(1), tired, make_agent("c", "worker"), make_agent("b", "worker")) == "b"


def test_the_one_that_failed_it_last_goes_after_its_equals() -> None:
    again = ready(1, failed_attempts=1, assigned_to=agent_id("a"))

    assert chosen(again, make_agent("a", "worker"), make_agent("b", "worker", rounds_completed=9)) == "b"
    assert chosen(again, make_agent("a", "worker")) == "a"


def test_agent_that_a_person_chose_is_waited_for() -> None:
    pinned = ready(1, pinned_to=agent_id("designer"))
    busy = make_agent("designer", state=AgentState.WORKING, open_tasks=1)

    assert chosen(pinned, make_agent("designer"), make_agent("backend")) == "designer"
    assert chosen(pinned, busy, make_agent("backend")) is None


@pytest.mark.parametrize("gone", [[], [make_agent("designer", state=AgentState.ERROR)]])
def test_agent_that_a_person_chose_is_forgotten_when_it_is_gone(gone: list[Agent]) -> None:
    pinned = ready(1, pinned_to=agent_id("designer"))

    assert chosen(pinned, *gone, make_agent("backend")) == "backend"


@pytest.mark.parametrize("state", [AgentState.COLD, AgentState.PAUSED, AgentState.STARTING])
def test_specialist_that_is_away_is_waited_for_as_one_that_is_busy(state: AgentState) -> None:
    item = ready(1, owner_role="backend")
    away = make_agent("backend", state=state)

    assert chosen(item, away, make_agent("designer")) is None
    assert chosen(item, away, make_agent("worker")) == "worker"


def test_agents_that_take_nothing_new_are_not_suitable() -> None:
    agents = [make_agent("a", state=AgentState.COLD), make_agent("b", state=AgentState.DRAINING), make_agent("c")]
    draft = make_draft(ready(1), *agents)

    assert [a.name for a in suitable_workers(draft, ready(1))] == ["a", "c"]


# What is given


def test_work_carries_what_the_agent_needs() -> None:
    dep = handed_in(1, status=WorkStatus.DONE)
    merged = handed_in(2, status=WorkStatus.DONE, pull=passed(2, merged_as="c" * 40))
    answered = make_item(3, status=WorkStatus.DONE, kind=WorkKind.REVIEW)
    item = ready(4, needs=[1, 2, 3], notes=("be quick",), history=("backend: tests fail",), title="Do it")

    decision = decided(dep, merged, answered, item, make_agent("backend"), mission=make_mission(notes=("use uv",)))

    (given,) = decision.changes.given
    assert (given.spec.kind, given.spec.title, given.agent_id) == (TaskKind.WORK, "Do it", agent_id("backend"))
    assert (given.spec.branch, given.spec.base, given.spec.starts_from) == ("tt/4-thing", "main", ("tt/1-thing",))
    assert (given.spec.notes, given.spec.history) == (("use uv", "be quick"), ("backend: tests fail",))
    after = changed(decision, 4)
    assert (after.status, after.task_id, after.assigned_to) == (WorkStatus.ASSIGNED, given.spec.id, given.agent_id)
    assert after.notes == ()
    assert "item.assigned" in said(decision.changes)


def test_item_without_a_branch_is_given_without_one() -> None:
    (given,) = decided(ready(1, kind=WorkKind.REVIEW), make_agent("reviewer")).changes.given

    assert given.spec.branch is None


def test_each_task_of_an_item_has_an_id_of_its_own() -> None:
    first, second = (decided(ready(1, tasks_given=n), make_agent("backend")).changes.given[0] for n in (0, 1))

    assert first.spec.id != second.spec.id


def test_commit_is_told_how_much_the_agent_had_to_do() -> None:
    (given,) = decided(ready(1), make_agent("backend")).changes.given

    assert given.expected_load == 0


def test_item_that_backs_off_is_given_when_its_time_has_come() -> None:
    item = ready(1, retry_at=later(20))
    waiting = decided(item, make_agent("backend"))

    assert waiting.changes.given == ()
    assert waiting.wake_at == later(20)
    assert list(given_to(decided(item, make_agent("backend"), now=later(20)))) == ["#1"]


# Fixes


def test_fix_goes_to_the_items_own_agent_with_all_that_must_be_mended() -> None:
    item = handed_in(1, fixes=(fix_request("checks", text="tests fail"), fix_request("review", text="too slow")))

    decision = decided(item, make_agent("backend", rounds_completed=9), make_agent("other", "worker"))

    (given,) = decision.changes.given
    assert (given.spec.kind, given.agent_id) == (TaskKind.FIX, agent_id("backend"))
    assert given.spec.causes == ("checks", "review")
    assert given.spec.instructions == "tests fail\n\ntoo slow"
    assert (given.spec.head, given.spec.pull_url) == (HEAD, "acme/shop/pull/1")
    assert changed(decision, 1).fix_rounds == 1


def test_fix_waits_for_the_items_own_agent_while_it_is_busy() -> None:
    item = handed_in(1, fixes=(fix_request("checks"),))
    busy = make_agent("backend", state=AgentState.WORKING, open_tasks=1)

    assert decided(item, busy, make_agent("worker")).changes.given == ()


@pytest.mark.parametrize("state", [AgentState.COLD, AgentState.PAUSED, AgentState.STARTING])
def test_fix_goes_to_another_when_the_items_own_agent_has_been_away_for_long(state: AgentState) -> None:
    item = handed_in(1, fixes=(fix_request("checks"),))
    things = (item, make_agent("backend", state=state), make_agent("worker"))

    early, late = decided(*things, now=later(59)), decided(*things, now=later(60))

    assert (early.changes.given, early.wake_at) == ((), later(60))
    assert given_to(late) == {"#1": agent_id("worker")}


@pytest.mark.parametrize("state", [AgentState.STOPPED, AgentState.DRAINING])
def test_fix_goes_to_another_when_the_items_own_agent_takes_nothing_new(state: AgentState) -> None:
    item = handed_in(1, fixes=(fix_request("checks"),))

    decision = decided(item, make_agent("backend", state=state), make_agent("worker"))

    assert given_to(decision) == {"#1": agent_id("worker")}


def test_fix_comes_before_new_work_and_counts_against_the_limit() -> None:
    mending = handed_in(2, fixes=(fix_request("checks"),))

    assert given_keys(ready(1, priority=9), mending, make_agent("backend"), *WORKERS) == ["#2"]


def test_fix_waits_while_as_many_items_are_in_work_as_may_be() -> None:
    busy = in_work(1, "worker-0")
    fixing = handed_in(2, fixes=(fix_request("checks"),))
    mission = make_mission(policy={"max_parallel_items": 1})
    working = make_agent("worker-0", "worker", state=AgentState.WORKING, open_tasks=1)

    decision = decided(busy, make_task(busy, "worker-0"), fixing, working, make_agent("backend"), mission=mission)

    assert decision.changes.given == ()


def test_fix_waits_for_the_review_under_way_and_mends_for_both() -> None:
    item = in_review(1, fixes=(fix_request("checks"),))
    reviewing = make_agent("reviewer", state=AgentState.WORKING, open_tasks=1)
    review = make_task(item, "reviewer", TaskKind.REVIEW)
    rejected = reported(review, Report.REJECTED, reason="too slow")

    waiting = decided(item, review, reviewing, make_agent("backend"))
    going = decided(item, rejected, reviewing, make_agent("backend"))

    assert waiting.changes.given == ()
    assert [given.spec.causes for given in going.changes.given] == [("checks", "review")]


def test_review_that_has_not_begun_is_taken_back_when_its_commit_is_mended_first() -> None:
    item = in_review(1, fixes=(fix_request("checks"),))
    review = make_task(item, "reviewer", TaskKind.REVIEW, state=TaskState.ASSIGNED)

    decision = decided(item, review, make_agent("reviewer", open_tasks=1), make_agent("backend"))

    assert [one.task_id for one in decision.changes.cancelled] == [review.id]
    assert [given.spec.kind for given in decision.changes.given] == [TaskKind.FIX]
    assert changed(decision, 1).review_task_id is None


def test_fix_that_backs_off_waits() -> None:
    item = handed_in(1, fixes=(fix_request("checks"),), retry_at=later(40))

    assert decided(item, make_agent("backend")).changes.given == ()


def test_item_not_mended_after_all_its_rounds_is_held_for_a_person() -> None:
    item = handed_in(1, fixes=(fix_request("checks"), fix_request("conflict")), fix_rounds=5)

    decision = decided(item, make_agent("backend"))

    assert decision.changes.given == ()
    assert changed(decision, 1).hold == "not mended after 5 rounds (checks, conflict)"


# Reviews


def review_ready(number: int = 1, **fields: object) -> WorkItem:
    return handed_in(number, **{"pull": make_pull(number, checks=Verdict.PASSED), **fields})


def test_free_reviewer_gets_the_review_of_the_head_commit() -> None:
    decision = decided(review_ready(), make_agent("backend"), make_agent("rev", "reviewer"))

    (given,) = decision.changes.given
    assert (given.spec.kind, given.agent_id, given.spec.head) == (TaskKind.REVIEW, agent_id("rev"), HEAD)
    after = changed(decision, 1)
    assert (after.status, after.review_task_id) == (WorkStatus.BLOCKED, given.spec.id)


@pytest.mark.parametrize("checks", [Verdict.UNKNOWN, Verdict.PENDING, Verdict.FAILED])
def test_review_waits_for_the_checks_to_pass(checks: Verdict) -> None:
    item = review_ready(pull=make_pull(1, checks=checks))

    assert decided(item, make_agent("backend"), make_agent("reviewer")).changes.given == ()


def test_item_under_review_gets_no_second_review() -> None:
    item = in_review(1)
    reviewing = make_agent("reviewer", state=AgentState.WORKING, open_tasks=1)

    things = (item, make_task(item, "reviewer", TaskKind.REVIEW), reviewing, make_agent("rev2", "reviewer"))

    assert decided(*things).changes.given == ()


def test_another_agent_reviews_where_the_town_has_no_reviewer() -> None:
    decision = decided(review_ready(), make_agent("backend"), make_agent("tester"))

    assert given_to(decision) == {"#1": agent_id("tester")}


def test_busy_reviewer_is_waited_for() -> None:
    busy = make_agent("reviewer", state=AgentState.WORKING, open_tasks=1)

    assert decided(review_ready(), make_agent("backend"), make_agent("tester"), busy).changes.given == ()


@pytest.mark.parametrize("state", [AgentState.COLD, AgentState.PAUSED, AgentState.STARTING])
def test_reviewer_who_is_away_is_waited_for(state: AgentState) -> None:
    reviewer = make_agent("rev", "reviewer", state=state)

    assert decided(review_ready(), reviewer, make_agent("tester")).changes.given == ()


def test_another_agent_reviews_when_the_reviewer_is_gone() -> None:
    gone = make_agent("rev", "reviewer", state=AgentState.STOPPED)

    assert given_to(decided(review_ready(), gone, make_agent("tester"))) == {"#1": agent_id("tester")}


def test_nobody_reviews_their_own_work() -> None:
    authored = review_ready(assigned_to=agent_id("reviewer"))

    assert decided(authored, make_agent("reviewer")).changes.given == ()
    assert given_to(decided(authored, make_agent("reviewer"), make_agent("tester"))) == {"#1": agent_id("tester")}


def test_review_that_failed_is_given_again_after_a_pause() -> None:
    item = review_ready(retry_at=later(10), failed_attempts=1)
    agents = (make_agent("backend"), make_agent("reviewer"))

    assert decided(item, *agents).changes.given == ()
    assert list(given_to(decided(item, *agents, now=later(10)))) == ["#1"]


def test_kind_that_needs_no_review_gets_none() -> None:
    design = review_ready(kind=WorkKind.DESIGN)

    assert decided(design, make_agent("backend"), make_agent("reviewer")).changes.given == ()


def test_no_review_is_given_when_the_policy_asks_for_none() -> None:
    mission = make_mission(policy={"reviewer_required": False})

    decision = decided(review_ready(), make_agent("backend"), make_agent("reviewer"), mission=mission)

    assert decision.changes.given == ()


def test_head_that_a_person_approved_needs_no_review() -> None:
    item = review_ready(approved_head=HEAD)

    assert decided(item, make_agent("backend"), make_agent("reviewer")).changes.given == ()
