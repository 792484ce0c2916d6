"""Outside issues that the forge told of are looked at at once."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.unit.planner.world import NOW, item_id, later, make_item, make_snapshot, step

from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import OutsideDependency, WorkItem, WorkStatus
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.wants import LookedUp, LookUp, Outcome, Refused

REF = IssueRef("Acme", "Other", 9)
SIGNAL = "issue acme/other#9"


def waiting(number: int = 1, checked_at: datetime = NOW) -> WorkItem:
    return make_item(number, waits_for=(OutsideDependency(ref=REF, is_open=True, checked_at=checked_at),))


def signalled(*items: WorkItem, said: str = "5") -> Snapshot:
    return make_snapshot(*items, signals={SIGNAL: said})


def test_an_outside_issue_is_looked_at_at_once_when_the_forge_told_of_it() -> None:
    _, calm = step(make_snapshot(waiting()))
    _, told = step(signalled(waiting(1), waiting(2)))

    assert calm.wants == ()
    assert calm.wake_at == later(180)
    assert told.wants == (LookUp(ref=REF, signal="5"),)


@pytest.mark.parametrize(("is_open", "status"), [(False, WorkStatus.READY), (True, WorkStatus.PENDING)])
def test_the_look_answers_the_signal(*, is_open: bool, status: WorkStatus) -> None:
    outcome = Outcome(want=LookUp(ref=REF, signal="5"), found=LookedUp(is_open=is_open))

    after, decision = step(signalled(waiting()), outcome)

    assert after.signals == {}
    assert decision.wants == ()
    assert after.items[item_id(1)].status is status


def test_a_look_that_failed_answers_it_too_and_is_made_again_in_its_time() -> None:
    outcome = Outcome(want=LookUp(ref=REF, signal="5"), found=Refused(reason="no route", is_temporary=True))

    after, decision = step(signalled(waiting()), outcome)

    assert after.signals == {}
    assert decision.wake_at == later(180)


def test_a_signal_that_came_during_the_look_is_answered_by_another() -> None:
    outcome = Outcome(want=LookUp(ref=REF, signal="5"), found=LookedUp(is_open=True))

    after, decision = step(signalled(waiting(), said="6"), outcome)

    assert after.signals == {SIGNAL: "6"}
    assert decision.wants == (LookUp(ref=REF, signal="6"),)


def test_a_signal_about_an_issue_that_nobody_waits_for_is_left_alone() -> None:
    after, decision = step(signalled(make_item(1)))

    assert decision.wants == ()
    assert after.signals == {SIGNAL: "5"}
