from __future__ import annotations

import msgspec
import pytest
from tests.unit.planner.world import (
    NOW,
    applied,
    changed,
    decided,
    given_to,
    handed_in,
    item_id,
    later,
    make_agent,
    make_draft,
    make_item,
    make_mission,
    make_snapshot,
    passed,
    said,
    step,
)

from tinytown.domain.pull import Merged
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import OutsideDependency, WorkKind, WorkStatus
from tinytown.planner.tick import take_in
from tinytown.planner.wants import LookedUp, LookUp, Outcome, Refused

OUTSIDE = IssueRef("acme", "other", 9)


def waiting_outside(secs_ago: float, *, is_open: bool = True) -> OutsideDependency:
    return OutsideDependency(ref=OUTSIDE, is_open=is_open, checked_at=later(-secs_ago))


def test_item_without_dependencies_is_ready_at_once() -> None:
    decision = decided(make_item(1))

    assert changed(decision, 1).status is WorkStatus.READY
    assert "item.ready" in said(decision.changes)


def test_item_is_ready_when_all_it_depends_on_is_done() -> None:
    done = make_item(1, status=WorkStatus.DONE)

    decision = decided(done, make_item(2, needs=[1]))

    assert changed(decision, 2).status is WorkStatus.READY


@pytest.mark.parametrize("status", [WorkStatus.RUNNING, WorkStatus.READY, WorkStatus.BLOCKED])
def test_item_waits_while_anything_it_depends_on_is_not_done(status: WorkStatus) -> None:
    things = (make_item(1, status=WorkStatus.DONE), make_item(2, status=status), make_item(3, needs=[1, 2]))

    decision = decided(*things)

    assert item_id(3) not in {item.id for item in decision.changes.items}


def test_dependent_is_given_out_in_the_same_step_that_finishes_its_dependency() -> None:
    decision = decided(handed_in(1, pull=passed(1)), make_item(2, needs=[1]), make_agent("backend"))

    assert given_to(decision)["#2"] == make_agent("backend").id


def test_chain_of_approved_gates_opens_in_one_step() -> None:
    gates = [make_item(n, needs=[n - 1], kind=WorkKind.MERGE_GATE, approved_head="*") for n in (4, 3, 2)]

    decision = decided(handed_in(1, pull=passed(1)), *gates, make_item(5, needs=[4]), make_agent("backend"))

    assert [changed(decision, n).status for n in (2, 3, 4)] == [WorkStatus.DONE] * 3
    assert changed(decision, 5).status is WorkStatus.ASSIGNED


def test_gate_waits_for_a_person_when_it_is_reached() -> None:
    decision = decided(make_item(1, kind=WorkKind.MERGE_GATE))

    gate = changed(decision, 1)
    assert gate.status is WorkStatus.BLOCKED
    assert gate.hold == "a gate; when all behind it may go on: tt mission approve 1"


def test_gate_approved_beforehand_is_done_when_it_is_reached() -> None:
    assert changed(decided(make_item(1, kind=WorkKind.MERGE_GATE, approved_head="*")), 1).status is WorkStatus.DONE


def test_item_waits_for_an_open_issue_outside_the_mission() -> None:
    decision = decided(make_item(1, waits_for=(waiting_outside(10),)))

    assert decision.changes.items == ()
    assert decision.wants == ()


def test_closed_issue_outside_the_mission_holds_nothing_up() -> None:
    decision = decided(make_item(1, waits_for=(waiting_outside(10, is_open=False),)))

    assert changed(decision, 1).status is WorkStatus.READY


def test_issue_outside_is_looked_at_again_each_watch_interval_once_for_all_who_wait() -> None:
    waiting = [make_item(n, waits_for=(waiting_outside(180),)) for n in (1, 2)]

    assert decided(*waiting).wants == (LookUp(ref=OUTSIDE),)


def test_dispatcher_wakes_when_an_issue_outside_is_due() -> None:
    decision = decided(make_item(1, waits_for=(waiting_outside(100),)), mission=make_mission(blocked_reason="waits"))

    assert decision.wake_at == later(80)


def test_item_goes_on_when_the_issue_outside_is_closed() -> None:
    snapshot = make_snapshot(make_item(1, waits_for=(waiting_outside(180),)))

    after, decision = step(snapshot, Outcome(want=LookUp(ref=OUTSIDE), found=LookedUp(is_open=False)))

    assert after.items[item_id(1)].status is WorkStatus.READY
    assert "item.unblocked" in said(decision.changes)


@pytest.mark.parametrize("found", [LookedUp(is_open=True), Refused(reason="no such host", is_temporary=True)])
def test_item_waits_on_when_the_issue_is_open_or_cannot_be_read(found: LookedUp | Refused) -> None:
    snapshot = make_snapshot(make_item(1, waits_for=(waiting_outside(180),)))

    after, decision = step(snapshot, Outcome(want=LookUp(ref=OUTSIDE), found=found))

    (dep,) = after.items[item_id(1)].waits_for
    assert (dep.is_open, dep.checked_at) == (True, NOW)
    assert decision.wants == ()


def test_issue_outside_that_was_closed_once_stays_satisfied() -> None:
    both = (
        waiting_outside(180, is_open=False),
        msgspec.structs.replace(waiting_outside(180), ref=IssueRef("a", "b", 1)),
    )
    snapshot = make_snapshot(make_item(1, waits_for=both))

    after, _ = step(snapshot, Outcome(want=LookUp(ref=OUTSIDE), found=LookedUp(is_open=True)))

    assert [dep.is_open for dep in after.items[item_id(1)].waits_for] == [False, True]


def test_what_is_found_of_an_issue_nobody_waits_for_changes_nothing() -> None:
    draft = make_draft(make_item(1))

    take_in(draft, Outcome(want=LookUp(ref=OUTSIDE), found=LookedUp(is_open=False)))

    assert draft.changes().items == ()


def test_answer_of_another_kind_says_nothing_of_an_issue() -> None:
    draft = make_draft(make_item(1, waits_for=(waiting_outside(180),)))

    take_in(draft, Outcome(want=LookUp(ref=OUTSIDE), found=Merged(sha="c" * 40)))

    assert draft.changes().items == ()


def test_second_decision_about_the_same_state_writes_nothing() -> None:
    snapshot = make_snapshot(make_item(1, waits_for=(waiting_outside(10),)))
    after, _ = step(snapshot)

    _, again = step(after)

    assert again.changes.is_empty
    assert applied(after, again.changes).items == after.items


@pytest.mark.parametrize(("is_temporary", "finding"), [(True, ""), (False, "there is no issue 9")])
def test_issue_outside_that_cannot_be_looked_at_says_so_unless_that_is_for_a_while_only(
    finding: str, *, is_temporary: bool
) -> None:
    draft = make_draft(make_item(1, waits_for=(waiting_outside(500),)))
    refused = Refused(reason="there is no issue 9", is_temporary=is_temporary)

    take_in(draft, Outcome(want=LookUp(ref=OUTSIDE), found=refused))

    (dep,) = draft.items[item_id(1)].waits_for
    assert (dep.is_open, dep.finding) == (True, finding)


def test_looking_at_an_issue_outside_counts_as_a_change_only_when_it_is_closed() -> None:
    for is_open, changed_at in ((True, later(-9999)), (False, NOW)):
        draft = make_draft(make_item(1, waits_for=(waiting_outside(500),), updated_at=later(-9999)))

        take_in(draft, Outcome(want=LookUp(ref=OUTSIDE), found=LookedUp(is_open=is_open)))

        assert draft.items[item_id(1)].updated_at == changed_at
