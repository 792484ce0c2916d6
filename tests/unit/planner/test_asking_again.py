"""Reviewers are asked to look again, once for each head that passed its checks."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.planner.world import (
    HEAD,
    NEXT_HEAD,
    REVIEWS,
    fix_request,
    handed_in,
    later,
    looked,
    make_pull,
    make_watch,
    pull_of,
    saw_checks,
    step,
    watched,
)

from tinytown.domain.pull import ReviewSeen
from tinytown.domain.workitem import Verdict, WorkItem
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.tick import Decision
from tinytown.planner.wants import Asked, AskReview, Outcome, Refused

URL = "acme/shop/pull/1"


def item(**fields: Any) -> WorkItem:
    values: dict[str, Any] = {"checks": Verdict.PASSED, "mergeable": Verdict.PASSED}
    return handed_in(1, pull=make_pull(**{**values, **fields}))


def heard(one: WorkItem, *names: str, head: str = HEAD, verdict: Verdict = Verdict.FAILED) -> Outcome:
    seen = ReviewSeen(head=head, verdict=verdict, by="rev", text="", ask_again=names)
    return looked(one, make_watch(one, REVIEWS), seen)


def asks(decision: Decision) -> list[tuple[str, ...]]:
    return [want.logins for want in decision.wants if isinstance(want, AskReview)]


def asked(snapshot: Snapshot, *names: str, found: Asked | Refused | None = None) -> Outcome:
    (one,) = snapshot.items.values()
    want = AskReview(item_id=one.id, url=URL, head=HEAD, logins=names)
    return Outcome(want=want, found=found or Asked())


def waiting(*names: str, **fields: Any) -> Snapshot:
    return watched(item(ask_again=names, people=Verdict.FAILED, is_heard=True, **fields))


def test_who_is_to_look_again_is_asked_once() -> None:
    one = item()
    snapshot, first = step(watched(one), heard(one, "rev", "eve", verdict=Verdict.PENDING))
    assert asks(first) == [("rev", "eve")]
    snapshot, second = step(snapshot, asked(snapshot, "rev", "eve"))
    assert asks(second) == []
    assert [event.text for event in second.changes.events if event.type == "review.asked"] == [
        "rev and eve are asked to look at PR #1 (#1) again"
    ]
    _, third = step(snapshot, heard(one, "rev", "eve", "zoe", verdict=Verdict.PENDING))
    assert asks(third) == [("zoe",)]


def test_a_new_head_is_asked_for_anew() -> None:
    snapshot, _ = step(waiting("rev"), asked(waiting("rev"), "rev"))
    one = next(iter(snapshot.items.values()))
    snapshot, _ = step(snapshot, saw_checks(one, Verdict.PASSED, head=NEXT_HEAD))
    assert pull_of(snapshot).asked == ()


@pytest.mark.parametrize("fields", [{"checks": Verdict.PENDING}, {"checks": Verdict.FAILED}])
def test_nobody_is_asked_before_the_checks_have_passed(fields: dict[str, Verdict]) -> None:
    assert asks(step(waiting("rev", **fields))[1]) == []


def test_nobody_is_asked_while_something_is_to_be_mended() -> None:
    one = item(ask_again=("rev",), people=Verdict.FAILED)
    assert asks(step(watched(handed_in(1, pull=one.pull, fixes=(fix_request("review"),))))[1]) == []


def test_what_is_wanted_no_more_is_not_asked() -> None:
    one = item(ask_again=("rev",), people=Verdict.PENDING)
    assert asks(step(watched(one), heard(one, verdict=Verdict.PASSED))[1]) == []


def test_asking_is_tried_again_later_and_given_up_when_it_is_refused() -> None:
    snapshot = waiting("rev")
    away = Refused(reason="away", is_temporary=True)
    put_off, decision = step(snapshot, asked(snapshot, "rev", found=away))
    assert asks(decision) == []
    assert asks(step(put_off, now=later(299))[1]) == []
    assert asks(step(put_off, now=later(300))[1]) == [("rev",)]
    low = Refused(reason="low", is_temporary=True, not_before=later(900))
    put_off, _ = step(snapshot, asked(snapshot, "rev", found=low))
    assert asks(step(put_off, now=later(899))[1]) == []
    no = Refused(reason="rev is no collaborator", is_temporary=False)
    given_up, decision = step(snapshot, asked(snapshot, "rev", found=no))
    assert asks(decision) == []
    assert asks(step(given_up, now=later(3000))[1]) == []
    (told,) = [event.text for event in decision.changes.events if event.type == "review.not_asked"]
    assert told == "rev cannot be asked to look at PR #1 (#1) again: rev is no collaborator"


def test_an_answer_about_another_head_counts_for_nothing() -> None:
    snapshot = waiting("rev", head=NEXT_HEAD)
    assert asks(step(snapshot, asked(snapshot, "rev"))[1]) == [("rev",)]
