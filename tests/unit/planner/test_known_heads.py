from __future__ import annotations

import msgspec
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
    handed_in,
    later,
    make_pull,
    make_snapshot,
    make_watch,
    only_watch,
    passed,
    pull_of,
    said,
    saw_checks,
    saw_merging,
    saw_review,
    step,
    watched,
)

from tinytown.domain.pull import ChecksSeen, Known, MergeabilitySeen
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import Verdict, WorkItem
from tinytown.planner.wants import LookAt, Outcome

CLOSES = (IssueRef("acme", "shop", 1),)
KNOWN = Known(head=HEAD, branch="tt/1-thing", base="main", since=NOW, closes=CLOSES)


def knowing(outcome: Outcome, head: str) -> Outcome:
    """The same look, made when that head was known."""
    assert isinstance(outcome.want, LookAt)
    known = msgspec.structs.replace(KNOWN, head=head)
    return msgspec.structs.replace(outcome, want=msgspec.structs.replace(outcome.want, known=known))


def test_forge_is_told_what_is_known_of_a_pull_request() -> None:
    item = handed_in(1, pull=make_pull(1, base="tt/0-thing", head_since=later(-60), told=("a",)))

    _, decision = step(make_snapshot(item, AT_WORK, make_watch(item, CHECKS, next_due_at=NOW)))

    (want,) = decision.wants
    assert isinstance(want, LookAt)
    assert want.known == msgspec.structs.replace(KNOWN, base="tt/0-thing", since=later(-60), told=("a",), at=NOW)


@pytest.mark.parametrize("seen", [saw_checks, saw_review])
def test_answer_about_the_head_of_before_is_no_news(seen: object) -> None:
    assert callable(seen)
    item = handed_in(1, pull=make_pull(1, head=NEXT_HEAD))
    late = knowing(seen(item, Verdict.PASSED, head=HEAD), HEAD)

    after, decision = step(watched(item), late)

    assert pull_of(after) == item.pull
    assert "pull.moved" not in said(decision.changes)


def test_answer_about_the_new_head_counts_whatever_was_known_when_it_was_asked() -> None:
    item = handed_in(1, pull=make_pull(1, head=NEXT_HEAD))

    after, _ = step(watched(item), knowing(saw_merging(item, head=NEXT_HEAD), HEAD))

    assert pull_of(after).mergeable is Verdict.PASSED


def test_merge_is_news_whatever_was_known_when_it_was_asked() -> None:
    item = handed_in(1, pull=make_pull(1, head=NEXT_HEAD))

    after, _ = step(watched(item), knowing(saw_merging(item, head=HEAD, merged_as="c" * 40), HEAD))

    assert after.items[item.id].is_merged


def test_mergeability_of_the_head_of_before_is_no_news() -> None:
    item = handed_in(1, pull=make_pull(1, head=NEXT_HEAD))

    after, _ = step(watched(item), knowing(saw_merging(item, head=HEAD), HEAD))

    assert pull_of(after) == item.pull


def test_commit_from_elsewhere_is_the_head_since_it_was_seen() -> None:
    item = handed_in(1, pull=passed())

    after, _ = step(watched(item), saw_checks(item, Verdict.PENDING, head=NEXT_HEAD), now=later(60))

    assert (pull_of(after).head, pull_of(after).head_since, pull_of(after).base) == (NEXT_HEAD, later(60), "main")


def asked_again(item: WorkItem, quick_looks: int, again_secs: float) -> float:
    """Seconds after which a forge that wants to be asked again soon is looked at."""
    watch = make_watch(item, MERGING, quick_looks=quick_looks)
    seen = MergeabilitySeen(head=HEAD, verdict=Verdict.UNKNOWN, again_secs=again_secs)
    want = LookAt(watch_id=watch.id, item_id=item.id, kind=MERGING, target=watch.target_ref)
    after, _ = step(make_snapshot(item, AT_WORK, watch), Outcome(want=want, found=seen))
    return (only_watch(after, MERGING).next_due_at - NOW).total_seconds()


@pytest.mark.parametrize(
    ("quick_looks", "again_secs", "secs"),
    [(0, 0.1, 2), (0, 5, 5), (1, 1, 4), (4, 5, 32), (20, 5, 180), (9999, 5, 180), (0, 600, 180)],
)
def test_forge_that_has_not_worked_it_out_is_asked_again_soon_then_less_and_less(
    quick_looks: int, again_secs: float, secs: float
) -> None:
    assert asked_again(handed_in(1), quick_looks, again_secs) == secs


def test_answer_ends_the_quick_looks() -> None:
    item = handed_in(1)
    watches = [make_watch(item, kind, quick_looks=3) for kind in (CHECKS, REVIEWS, MERGING)]

    after, _ = step(make_snapshot(item, AT_WORK, *watches), saw_checks(item, Verdict.PENDING))

    assert (only_watch(after, CHECKS).quick_looks, only_watch(after, MERGING).quick_looks) == (0, 3)
    assert only_watch(after, CHECKS).next_due_at == later(180)


def test_what_checks_wait_for_is_remembered_and_said() -> None:
    item = handed_in(1)
    watch = make_watch(item, CHECKS)
    want = LookAt(watch_id=watch.id, item_id=item.id, kind=CHECKS, target=watch.target_ref)
    seen = ChecksSeen(head=HEAD, verdict=Verdict.PENDING, note="no check has begun", again_secs=30)

    after, _ = step(make_snapshot(item, AT_WORK, *all_watches(item)), Outcome(want=want, found=seen))

    assert pull_of(after).checks_note == "no check has begun"
    assert only_watch(after, CHECKS).finding == "CI check: pending (no check has begun)"
    assert only_watch(after, CHECKS).next_due_at == later(30)
