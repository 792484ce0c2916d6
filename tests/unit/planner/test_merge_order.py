"""Which outcome of a step is taken in first, and what of a pull request outlasts a branch that is brought up to date."""

from __future__ import annotations

import pytest
from tests.unit.planner.world import (
    AUTO,
    CHECKS,
    HEAD,
    MERGING,
    NEXT_HEAD,
    all_watches,
    handed_in,
    later,
    make_watch,
    only_watch,
    passed,
    pull_of,
    said,
    saw_merging,
    step,
    watched,
)

from tinytown.domain.pull import Known, MergeabilitySeen, Updated
from tinytown.domain.workitem import Verdict, WorkItem
from tinytown.planner.wants import LookAt, Outcome, UpdateBranch

BEHIND = handed_in(1, pull=passed(1, mergeable=Verdict.PENDING, is_behind=True), approved_head=HEAD, merge_head=HEAD)
KNOWN = Known(head=HEAD, branch=BEHIND.branch, base="main")
UPDATED = Outcome(
    want=UpdateBranch(item_id=BEHIND.id, url="acme/shop/pull/1", known=KNOWN), found=Updated(head=NEXT_HEAD)
)


def look(item: WorkItem, *, is_update: bool = False) -> Outcome:
    watch = make_watch(item, MERGING)
    want = LookAt(watch_id=watch.id, item_id=item.id, kind=MERGING, target=watch.target_ref, known=KNOWN)
    seen = MergeabilitySeen(head=NEXT_HEAD, verdict=Verdict.PENDING, is_update=is_update)
    return Outcome(want=want, found=seen)


@pytest.mark.parametrize("outcomes", [(UPDATED, look(BEHIND)), (look(BEHIND), UPDATED)])
def test_approval_survives_an_update_whatever_the_order_of_what_came_of_a_step(outcomes: tuple[Outcome, ...]) -> None:
    after, decision = step(watched(BEHIND, mission=AUTO), *outcomes)

    pull, item = pull_of(after), after.items[BEHIND.id]
    assert (pull.head, pull.review, pull.checks) == (NEXT_HEAD, Verdict.PASSED, Verdict.PENDING)
    assert (item.approved_head, item.merge_head) == (NEXT_HEAD, NEXT_HEAD)
    assert "pull.moved" not in said(decision.changes)


def test_approval_survives_an_update_that_only_a_look_tells_of() -> None:
    after, decision = step(watched(BEHIND, mission=AUTO), look(BEHIND, is_update=True))

    pull, item = pull_of(after), after.items[BEHIND.id]
    assert (pull.head, pull.review, pull.checks) == (NEXT_HEAD, Verdict.PASSED, Verdict.PENDING)
    assert (pull.mergeable, item.approved_head, item.merge_head) == (Verdict.PENDING, NEXT_HEAD, NEXT_HEAD)
    assert "pull.updated" in said(decision.changes)


def test_approval_of_before_is_forgotten_with_a_commit_that_is_more_than_an_update() -> None:
    after, decision = step(watched(BEHIND, mission=AUTO), look(BEHIND))

    assert (pull_of(after).review, after.items[BEHIND.id].approved_head) == (Verdict.UNKNOWN, HEAD)
    assert "pull.moved" in said(decision.changes)


def test_head_that_is_known_already_is_no_update() -> None:
    after, decision = step(watched(BEHIND, mission=AUTO), saw_merging(BEHIND, Verdict.PENDING, is_update=True))

    assert pull_of(after).updates == 0
    assert "pull.updated" not in said(decision.changes)


def test_signal_leaves_what_was_not_looked_at_in_time_due() -> None:
    item = handed_in(1, pull=passed(1, checks=Verdict.PENDING))
    snapshot = watched(item, mission=AUTO, signals={"acme/shop/pull/1": "t1"})
    asked, decision = step(snapshot)
    wants = {want.kind: want for want in decision.wants if isinstance(want, LookAt)}
    seen = MergeabilitySeen(head=HEAD, verdict=Verdict.PASSED)

    after, decision = step(asked, Outcome(want=wants[MERGING], found=seen), now=later(1))

    assert after.signals == {}
    assert CHECKS in {want.kind for want in decision.wants if isinstance(want, LookAt)}
    assert only_watch(after, MERGING).next_due_at == later(181)
    assert len(all_watches(item)) == 3
