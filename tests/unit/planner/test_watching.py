from __future__ import annotations

import pytest
from tests.unit.planner.world import (
    AT_WORK,
    CHECKS,
    HEAD,
    MERGING,
    NEXT_HEAD,
    NOW,
    REVIEWS,
    all_watches,
    decided,
    handed_in,
    in_work,
    later,
    make_pull,
    make_snapshot,
    make_task,
    make_watch,
    only_watch,
    pull_of,
    saw_checks,
    saw_merging,
    step,
    watched,
)

from tinytown.domain.pull import ChecksSeen, Known, Merged
from tinytown.domain.refs import IssueRef
from tinytown.domain.task import TaskKind
from tinytown.domain.watch import WatchStatus
from tinytown.domain.workitem import Verdict, WorkStatus
from tinytown.planner.seen_mergeability import CLOSED
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.tick import decide
from tinytown.planner.wants import LookAt, Outcome, Refused, Want

KNOWN = Known(head=HEAD, branch="tt/1-thing", base="main", since=NOW, at=NOW, closes=(IssueRef("acme", "shop", 1),))

# When it is looked


def test_pull_request_is_looked_at_when_a_watch_is_due() -> None:
    item = handed_in(1)
    due, waiting = make_watch(item, CHECKS, next_due_at=NOW), make_watch(item, MERGING)

    decision = decided(item, AT_WORK, due, waiting)

    assert decision.wants == (
        LookAt(watch_id=due.id, item_id=item.id, kind=CHECKS, target="acme/shop/pull/1", known=KNOWN),
    )


def test_dispatcher_wakes_for_the_watch_that_is_due_next() -> None:
    item = handed_in(1)

    decision = decided(item, AT_WORK, make_watch(item, CHECKS, next_due_at=later(70)), make_watch(item, MERGING))

    assert decision.wake_at == later(70)


@pytest.mark.parametrize("busy", [WorkStatus.ASSIGNED, WorkStatus.RUNNING])
def test_nothing_is_looked_at_while_an_agent_changes_the_branch(busy: WorkStatus) -> None:
    item = in_work(1, status=busy, submitted=HEAD, pull=make_pull())

    decision = decided(item, make_task(item, kind=TaskKind.FIX), AT_WORK, *all_watches(item, next_due_at=NOW))

    assert decision.wants == ()


def test_watch_that_is_done_or_whose_item_is_gone_is_left_alone() -> None:
    item = handed_in(1)
    done = make_watch(item, CHECKS, next_due_at=NOW, status=WatchStatus.DONE)
    lost = make_watch(handed_in(7), MERGING, next_due_at=NOW)

    assert decided(item, AT_WORK, done, lost).wants == ()


def test_signal_makes_every_watch_of_its_pull_request_look_at_once() -> None:
    decision = decide(watched(handed_in(1), signals={"acme/shop/pull/1": "5"}), (), NOW)

    assert [(want.kind, want.signal) for want in decision.wants if isinstance(want, LookAt)] == [
        (CHECKS, "5"),
        (REVIEWS, "5"),
        (MERGING, "5"),
    ]


def test_look_answers_the_signal_it_was_made_for() -> None:
    item = handed_in(1)
    snapshot = watched(item, signals={"acme/shop/pull/1": "5"})
    want = LookAt(
        watch_id=make_watch(item, CHECKS).id, item_id=item.id, kind=CHECKS, target="acme/shop/pull/1", signal="5"
    )
    outcome = Outcome(want=want, found=ChecksSeen(head=HEAD, verdict=Verdict.PENDING))

    after, decision = step(snapshot, outcome)

    assert decision.changes.answered == {"acme/shop/pull/1": "5"}
    assert after.signals == {}
    assert decision.wants == ()


def test_signal_that_came_after_the_look_makes_another_look() -> None:
    item = handed_in(1)
    want = LookAt(
        watch_id=make_watch(item, CHECKS).id, item_id=item.id, kind=CHECKS, target="acme/shop/pull/1", signal="5"
    )
    outcome = Outcome(want=want, found=ChecksSeen(head=HEAD, verdict=Verdict.PENDING))

    after, decision = step(watched(item, signals={"acme/shop/pull/1": "6"}), outcome)

    assert after.signals == {"acme/shop/pull/1": "6"}
    assert [(look.kind, look.signal) for look in decision.wants if isinstance(look, LookAt)] == [
        (CHECKS, "6"),
        (REVIEWS, "6"),
        (MERGING, "6"),
    ]


def test_look_that_answers_a_signal_is_thorough() -> None:
    signalled = decide(watched(handed_in(1), signals={"acme/shop/pull/1": "5"}), (), NOW)
    due = decided(handed_in(1), AT_WORK, *all_watches(handed_in(1), next_due_at=NOW))

    assert [known_in(want).is_thorough for want in (*signalled.wants, *due.wants)] == [True] * 3 + [False] * 3


def known_in(want: Want) -> Known:
    assert isinstance(want, LookAt)
    assert want.known is not None
    return want.known


def test_of_a_closed_pull_request_it_is_only_looked_at_whether_it_is_open_again() -> None:
    item = handed_in(1, pull=make_pull(is_open=False))

    decision = decided(item, AT_WORK, *all_watches(item, next_due_at=NOW))

    assert [want.kind for want in decision.wants if isinstance(want, LookAt)] == [MERGING]


@pytest.mark.parametrize("hold", [None, CLOSED.format(key="1")])
def test_pull_request_that_is_open_again_is_looked_at_in_every_way(hold: str | None) -> None:
    item = handed_in(1, pull=make_pull(is_open=False), hold=hold)

    _, decision = step(watched(item), saw_merging(item))

    assert {want.kind for want in decision.wants if isinstance(want, LookAt)} >= {CHECKS, REVIEWS}


def test_snoozed_watch_ignores_signals_until_it_is_due() -> None:
    item = handed_in(1)
    snoozed = make_watch(item, CHECKS, status=WatchStatus.SNOOZED, next_due_at=later(600))
    snapshot = make_snapshot(item, AT_WORK, snoozed, signals={"acme/shop/pull/1": "5"})

    decision = decide(snapshot, (), NOW)

    assert (decision.wants, decision.wake_at) == ((), later(600))


def test_snoozed_watch_is_active_again_when_it_is_due() -> None:
    item = handed_in(1)
    snapshot = make_snapshot(item, AT_WORK, make_watch(item, CHECKS, status=WatchStatus.SNOOZED, next_due_at=NOW))

    after, decision = step(snapshot)

    assert only_watch(after, CHECKS).status is WatchStatus.ACTIVE
    assert len(decision.wants) == 1


def test_watch_looks_again_after_its_interval() -> None:
    item = handed_in(1)

    after, _ = step(watched(item), saw_checks(item, Verdict.PENDING))

    watch = only_watch(after, CHECKS)
    assert (watch.last_check_at, watch.next_due_at, watch.finding) == (NOW, later(180), "CI check: pending")


@pytest.mark.parametrize(("failures", "secs"), [(0, 60), (1, 120), (2, 300), (9, 300)])
def test_watch_backs_off_when_looking_fails(failures: int, secs: int) -> None:
    item = handed_in(1)
    watch = make_watch(item, CHECKS, consecutive_failures=failures)
    refused = Outcome(want=saw_checks(item, Verdict.PASSED).want, found=Refused(reason="no route", is_temporary=True))

    after, _ = step(make_snapshot(item, AT_WORK, watch), refused)

    now = only_watch(after, CHECKS)
    assert (now.consecutive_failures, now.next_due_at, now.finding) == (failures + 1, later(secs), "no route")
    assert after.items[item.id].hold is None


def test_watch_that_looks_again_successfully_forgets_its_failures() -> None:
    item = handed_in(1)
    snapshot = make_snapshot(item, AT_WORK, make_watch(item, CHECKS, consecutive_failures=3))

    after, _ = step(snapshot, saw_checks(item, Verdict.PENDING))

    assert only_watch(after, CHECKS).consecutive_failures == 0


def test_look_that_cannot_succeed_by_waiting_asks_for_a_person() -> None:
    item = handed_in(1)
    refused = Outcome(want=saw_checks(item, Verdict.PASSED).want, found=Refused(reason="gone", is_temporary=False))

    after, _ = step(watched(item), refused)

    assert after.items[item.id].hold == "looking at its pull request failed: gone"


@pytest.mark.parametrize(
    "state",
    [
        make_snapshot(handed_in(1)),
        make_snapshot(handed_in(1), make_watch(handed_in(1), CHECKS, status=WatchStatus.DONE)),
        make_snapshot(handed_in(2), make_watch(handed_in(1), CHECKS)),
        make_snapshot(handed_in(1, pull=None), make_watch(handed_in(1), CHECKS)),
    ],
    ids=["no watch", "watch done", "no item", "no pull request"],
)
def test_look_at_what_is_not_watched_any_more_changes_nothing(state: Snapshot) -> None:
    decision = decide(state, (saw_checks(handed_in(1), Verdict.FAILED),), NOW)

    assert all(not item.fixes for item in decision.changes.items)
    assert decision.changes.answered == {}


def test_answer_of_another_kind_says_nothing_of_a_pull_request() -> None:
    item = handed_in(1)
    odd = Outcome(want=saw_checks(item, Verdict.PASSED).want, found=Merged(sha=NEXT_HEAD))

    after, _ = step(watched(item), odd)

    assert pull_of(after) == item.pull
