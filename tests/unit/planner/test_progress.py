from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.unit.planner.world import (
    AT_WORK,
    MISSION_ID,
    NEXT_HEAD,
    NOW,
    REVIEWING,
    all_watches,
    decided,
    fix_request,
    handed_in,
    in_review,
    in_work,
    later,
    make_agent,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    make_task,
    passed,
    ready,
    said,
    step,
)

from tinytown.domain.agent import AgentState
from tinytown.domain.message import MessageKind
from tinytown.domain.mission import Help, MissionState
from tinytown.domain.refs import IssueRef
from tinytown.domain.task import TaskKind, TaskState
from tinytown.domain.watch import WatchStatus
from tinytown.domain.workitem import OutsideDependency, Verdict, WorkKind, WorkStatus
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.tick import Decision, decide
from tinytown.planner.wants import LookedUp, LookUp, Outcome

HELD = make_item(1, status=WorkStatus.BLOCKED, hold="failed 3 times")


def state_of(decision: Decision) -> tuple[MissionState, str | None]:
    return decision.changes.mission.state, decision.changes.mission.blocked_reason


def asked(decision: Decision) -> list[str]:
    return [message.text for message in decision.changes.messages]


# Completed


def test_mission_is_completed_when_every_item_is_done() -> None:
    item = handed_in(1, status=WorkStatus.DONE, pull=passed(merged_as=NEXT_HEAD))

    decision = decided(item, *all_watches(item), mission=make_mission(help=Help(cause="x", since=NOW, ask_at=NOW)))

    assert state_of(decision) == (MissionState.COMPLETED, None)
    assert decision.changes.mission.help is None
    assert decision.wake_at is None
    assert {watch.status for watch in decision.changes.watches} == {WatchStatus.DONE}


def test_completed_mission_that_is_decided_again_stays_as_it_is() -> None:
    item = handed_in(1, status=WorkStatus.DONE)
    done = [msgspec.structs.replace(w, status=WatchStatus.DONE) for w in all_watches(item)]

    decision = decided(item, *done, mission=make_mission(state=MissionState.COMPLETED))

    assert decision.changes.is_empty


def test_blocked_mission_completes_when_its_last_item_is_done() -> None:
    mission = make_mission(state=MissionState.BLOCKED, blocked_reason="#1: checks")

    assert state_of(decided(handed_in(1, pull=passed()), mission=mission)) == (MissionState.COMPLETED, None)


def test_stopped_mission_completes_when_runs_under_way_finished_everything() -> None:
    mission = make_mission(state=MissionState.BLOCKED, is_paused=True)

    decision = decided(handed_in(1, status=WorkStatus.DONE), mission=mission)

    assert (decision.changes.mission.state, decision.changes.mission.is_paused) == (MissionState.COMPLETED, False)


# Paused


def test_stopped_mission_only_takes_in_what_finished() -> None:
    item = in_work(1)
    mission = make_mission(state=MissionState.BLOCKED, is_paused=True, blocked_reason="stopped by the operator")
    due = make_item(3, kind=WorkKind.MERGE_GATE)
    snapshot = make_snapshot(
        item,
        make_task(item, state=TaskState.COMPLETED, head="a" * 40),
        ready(2),
        due,
        handed_in(4, pull=passed(4)),
        *all_watches(handed_in(4), next_due_at=NOW),
        make_agent("backend"),
        mission=mission,
    )

    after, decision = step(snapshot)

    assert after.items[item.id].submitted == "a" * 40
    assert [changed.key for changed in decision.changes.items] == ["#1"]
    assert (decision.wants, decision.changes.given, decision.changes.messages) == ((), (), ())
    assert state_of(decision) == (MissionState.BLOCKED, "stopped by the operator")


# Blocked


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([handed_in(1)], "#1: PR #1: checks not looked at yet"),
        ([HELD, handed_in(2)], "#1: needs a person: failed 3 times (and 1 more)"),
        ([make_item(3, needs=[1]), handed_in(1)], "#1: PR #1: checks not looked at yet (and 1 more)"),
        ([handed_in(2), ready(1)], "#1: ready; waits for a free agent: backend (working) (and 1 more)"),
        (
            [handed_in(1, pull=make_pull(checks=Verdict.PASSED, review=Verdict.PASSED)), handed_in(2)],
            "#2: PR #2: checks not looked at yet (and 1 more)",
        ),
    ],
)
def test_mission_is_blocked_with_the_reason_that_matters_most_when_nothing_can_move(
    items: list[Any], reason: str
) -> None:
    decision = decided(*items, AT_WORK)

    assert state_of(decision) == (MissionState.BLOCKED, reason)
    assert "mission.blocked" in said(decision.changes)


def test_reason_of_a_blocked_mission_follows_what_it_waits_for_silently() -> None:
    mission = make_mission(state=MissionState.BLOCKED, blocked_reason="#1: something else")

    decision = decided(handed_in(1), AT_WORK, mission=mission)

    assert state_of(decision) == (MissionState.BLOCKED, "#1: PR #1: checks not looked at yet")
    assert said(decision.changes) == []


def test_mission_runs_while_an_agent_works_or_reviews() -> None:
    item, reviewed = in_work(1), in_review(2)
    mission = make_mission(state=MissionState.BLOCKED, blocked_reason="#1: checks")

    working = decided(item, make_task(item), HELD_TWO, AT_WORK, mission=mission)
    reviewing = decided(reviewed, make_task(reviewed, "reviewer", TaskKind.REVIEW), REVIEWING, AT_WORK, mission=mission)

    assert state_of(working) == (MissionState.RUNNING, None)
    assert state_of(reviewing) == (MissionState.RUNNING, None)
    assert "mission.running" in said(working.changes)


HELD_TWO = make_item(2, status=WorkStatus.BLOCKED, hold="stuck")


def test_mission_runs_while_a_pull_request_is_being_opened() -> None:
    assert state_of(decided(handed_in(1, pull=None), AT_WORK)) == (MissionState.RUNNING, None)


def test_mission_is_blocked_while_opening_a_pull_request_backs_off() -> None:
    item = handed_in(1, pull=None, retry_at=later(10))

    assert state_of(decided(item, AT_WORK))[0] is MissionState.BLOCKED


def test_mission_runs_while_a_free_agent_waits_for_a_try_to_come() -> None:
    assert state_of(decided(ready(1, retry_at=later(10)), make_agent("backend"))) == (MissionState.RUNNING, None)


# Help


def test_person_is_asked_at_once_when_only_a_person_can_decide() -> None:
    decision = decided(HELD, make_agent("backend"))

    (message,) = decision.changes.messages
    assert (message.to, message.sender, message.kind) == ("conductor", "dispatcher", MessageKind.QUERY)
    assert message.is_urgent
    assert message.mission_id == MISSION_ID
    assert message.text.startswith(
        "Mission 00000000 is stuck: #1: failed 3 times\nAnswer with: tt mission note 00000000"
    )
    assert "help.asked" in said(decision.changes)


def test_help_is_asked_once_then_with_growing_pauses() -> None:
    snapshot = make_snapshot(HELD, make_agent("backend"))
    now, pauses = NOW, []

    snapshot, decision = step(snapshot, now=now)
    assert len(asked(decision)) == 1
    for _ in range(5):
        snapshot, quiet = step(snapshot, now=now)
        assert asked(quiet) == []
        assert quiet.wake_at is not None
        pauses.append((quiet.wake_at - now).total_seconds())
        now = quiet.wake_at
        snapshot, decision = step(snapshot, now=now)
        assert len(asked(decision)) == 1
        assert not decision.changes.messages[0].is_urgent

    assert pauses == [300, 900, 3600, 14400, 14400]


def test_calls_for_help_have_ids_of_their_own() -> None:
    first = decided(HELD, make_agent("backend"))
    second = decided(HELD, make_agent("backend"), now=later(300))

    assert first.changes.messages[0].id != second.changes.messages[0].id


def test_another_cause_is_asked_about_without_repeating_the_first() -> None:
    snapshot, _ = step(make_snapshot(HELD, make_agent("backend")))
    also = make_item(2, status=WorkStatus.BLOCKED, hold="failed 3 times")

    _, decision = step(make_snapshot(HELD, also, make_agent("backend"), mission=snapshot.mission))

    assert len(asked(decision)) == 1
    assert "#2: failed 3 times" in asked(decision)[0]
    assert "#1" not in asked(decision)[0]


def test_help_is_forgotten_when_its_cause_is_gone() -> None:
    mission = make_mission(help=Help(cause="#1: failed", since=NOW, times_asked=3, ask_at=later(900)))

    assert decided(ready(1), make_agent("backend"), mission=mission).changes.mission.help is None


def test_missing_agent_is_asked_for_after_a_while_as_one_may_turn_up() -> None:
    reviewer = make_agent("reviewer")
    snapshot, early = step(make_snapshot(ready(1), reviewer))

    _, late = step(snapshot, now=later(30))

    assert (asked(early), early.wake_at) == ([], later(30))
    assert "no agent can take #1; start one: tt spawn worker" in asked(late)[0]


def test_missing_agents_are_asked_for_at_once_in_an_empty_town() -> None:
    decision = decided(ready(1, owner_role="backend"), make_agent("old", state=AgentState.STOPPED))

    assert "no agent can take #1; start one: tt spawn backend" in asked(decision)[0]


def test_missing_mender_and_missing_reviewer_are_asked_for() -> None:
    mending = handed_in(1, fixes=(fix_request("checks"),), assigned_to=None, owner_role="backend")
    reviewed = handed_in(2, pull=make_pull(2, checks=Verdict.PASSED))

    decision = decided(mending, reviewed)

    (text,) = asked(decision)
    assert "no agent can mend #1; start one: tt spawn backend" in text
    assert "nobody can review #2; start a reviewer: tt spawn reviewer, or: tt mission approve 2" in text


def test_only_the_author_left_to_review_asks_for_help() -> None:
    reviewed = handed_in(1, pull=make_pull(checks=Verdict.PASSED))
    snapshot, _ = step(make_snapshot(reviewed, make_agent("backend")))

    _, decision = step(snapshot, now=later(30))

    assert "nobody can review #1" in asked(decision)[0]


COLD = make_agent("backend", state=AgentState.COLD)


def test_mission_runs_while_its_agent_is_expected_back_and_is_blocked_when_not() -> None:
    item = in_work(1, status=WorkStatus.ASSIGNED)
    things = (item, make_task(item, state=TaskState.ASSIGNED), COLD)

    early, late = decided(*things, now=later(59)), decided(*things, now=later(60))

    assert (state_of(early), early.wake_at) == ((MissionState.RUNNING, None), later(60))
    assert state_of(late) == (MissionState.BLOCKED, "#1: in backend's inbox, who is cold")


def asked_within(snapshot: Snapshot, secs: int) -> list[str]:
    """What is asked when a step is made whenever one is due."""
    found: list[str] = []
    now = NOW
    while now <= later(secs):
        snapshot, decision = step(snapshot, now=now)
        found += asked(decision)
        now = max(decision.wake_at or later(secs + 1), now + timedelta(seconds=1))
    return found


def test_help_is_asked_for_work_of_an_only_agent_that_does_not_come_back() -> None:
    item = in_work(1, status=WorkStatus.ASSIGNED)

    questions = asked_within(make_snapshot(item, make_task(item, state=TaskState.ASSIGNED), COLD), 300)

    assert len(questions) == 1
    assert "#1 waits for backend (cold), not expected back" in questions[0]


def test_help_is_asked_for_an_item_pinned_to_an_agent_that_does_not_come_back() -> None:
    pinned = ready(1, pinned_to=COLD.id)

    questions = asked_within(make_snapshot(pinned, COLD, make_agent("worker")), 300)

    assert len(questions) == 1
    assert "#1 waits for backend (cold), not expected back" in questions[0]


def test_help_is_asked_for_a_fix_or_a_review_of_an_agent_that_does_not_come_back() -> None:
    mending = handed_in(1, fixes=(fix_request("checks"),))
    unreviewed = handed_in(2, pull=make_pull(2, checks=Verdict.PASSED))
    reviewed = in_review(3)
    away = make_agent("reviewer", state=AgentState.COLD)
    task = make_task(reviewed, "reviewer", TaskKind.REVIEW, state=TaskState.ASSIGNED)

    (text,) = asked_within(make_snapshot(mending, unreviewed, reviewed, task, COLD, away), 300)

    assert "#1 waits for backend (cold)" in text
    assert "#2 waits for reviewer (cold)" in text
    assert "#3 waits for reviewer (cold)" in text


def test_help_is_asked_for_an_outside_issue_that_cannot_be_looked_at() -> None:
    ref = IssueRef("acme", "shop", 99)
    dep = OutsideDependency(ref=ref, is_open=True, checked_at=NOW, finding="there is no issue 99")

    (text,) = asked_within(make_snapshot(make_item(1, waits_for=(dep,)), make_agent("backend")), 100)

    assert "#1 waits for acme/shop#99: there is no issue 99" in text


def test_looks_at_an_outside_issue_that_stays_open_are_no_progress() -> None:
    dep = OutsideDependency(ref=IssueRef("acme", "shop", 99), is_open=True, checked_at=NOW)
    snapshot, _ = step(make_snapshot(make_item(1, waits_for=(dep,)), make_agent("backend")))
    seen = Outcome(want=LookUp(ref=dep.ref), found=LookedUp(is_open=True))
    snapshot, _ = step(snapshot, seen, now=later(3590))

    snapshot, _ = step(snapshot, now=later(3600))
    _, decision = step(snapshot, now=later(3630))

    assert "nothing has changed since 2026-01-05 12:00 UTC; waiting: #1" in asked(decision)[0]


def test_task_that_nobody_begins_for_an_hour_asks_for_help() -> None:
    item = in_work(1, status=WorkStatus.ASSIGNED)
    idle = make_agent("backend", open_tasks=1)
    snapshot, _ = step(make_snapshot(item, make_task(item, state=TaskState.ASSIGNED), idle), now=later(3600))

    _, decision = step(snapshot, now=later(3630))

    assert "nothing has changed since" in asked(decision)[0]


def test_mission_is_blocked_while_agents_that_are_away_hold_all_there_may_be_in_work() -> None:
    item = in_work(1, status=WorkStatus.ASSIGNED, pinned_to=COLD.id)
    mission = make_mission(policy={"max_parallel_items": 1})
    things = (item, make_task(item, state=TaskState.ASSIGNED), COLD, ready(2), make_agent("worker"))

    decision = decided(*things, mission=mission, now=later(60))

    assert decision.changes.given == ()
    assert decision.changes.mission.state is MissionState.BLOCKED


def test_mission_in_which_nothing_happens_for_an_hour_asks_for_help() -> None:
    snapshot, early = step(make_snapshot(handed_in(1), AT_WORK))
    assert early.wake_at == later(3600)

    snapshot, late = step(snapshot, now=later(3600))
    assert asked(late) == []
    _, decision = step(snapshot, now=later(3630))

    assert "nothing has changed since 2026-01-05 12:00 UTC; waiting: #1" in asked(decision)[0]


def test_mission_whose_agents_work_is_not_stalled_however_long_they_take() -> None:
    item = in_work(1)

    decision = decided(item, make_task(item), AT_WORK, now=later(9999))

    assert (asked(decision), decision.wake_at) == ([], None)


# The decision as a whole


def test_next_wake_is_kept_with_the_mission() -> None:
    decision = decided(ready(1, retry_at=later(20)), make_agent("backend"))

    assert decision.changes.mission.next_wake_at == decision.wake_at == later(20)


def test_dispatcher_wakes_for_whatever_comes_first() -> None:
    decision = decided(ready(1, retry_at=later(20)), ready(2, retry_at=later(10)), make_agent("backend"))

    assert decision.wake_at == later(10)


def test_same_state_gives_the_same_decision() -> None:
    def snapshot() -> Snapshot:
        return make_snapshot(ready(1), handed_in(2), make_agent("backend"), *all_watches(handed_in(2), next_due_at=NOW))

    assert decide(snapshot(), (), NOW) == decide(snapshot(), (), NOW)


@pytest.mark.parametrize("secs", [0, 5])
def test_decision_without_news_writes_nothing(secs: float) -> None:
    snapshot, _ = step(make_snapshot(ready(1), handed_in(2), make_agent("reviewer"), *all_watches(handed_in(2))))

    _, decision = step(snapshot, now=later(secs))

    assert decision.changes.is_empty
