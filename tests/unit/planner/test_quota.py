from __future__ import annotations

import pytest
from tests.unit.planner.world import (
    AT_WORK,
    AUTO,
    CHECKS,
    HEAD,
    MERGING,
    NOW,
    all_watches,
    decided,
    handed_in,
    later,
    make_draft,
    make_snapshot,
    make_watch,
    only_watch,
    passed,
    said,
    saw_checks,
    saw_merging,
    step,
)

from tinytown.domain.workitem import Verdict, WorkStatus
from tinytown.planner.reasons import reasons
from tinytown.planner.wants import Merge, OpenPull, Outcome, Refused

USED_UP = Refused(reason="GitHub's quota is used up until 15:40", is_temporary=True, not_before=later(600))


def test_look_is_put_off_until_the_forge_answers_again_and_counts_for_nothing() -> None:
    item = handed_in(1)
    watch = make_watch(item, CHECKS, consecutive_failures=2, next_due_at=NOW)
    snapshot = make_snapshot(item, AT_WORK, watch)

    after, decision = step(snapshot, Outcome(want=saw_checks(item, Verdict.PASSED).want, found=USED_UP))

    now = only_watch(after, CHECKS)
    assert (now.consecutive_failures, now.next_due_at, now.is_put_off) == (2, later(600), True)
    assert (decision.wants, decision.wake_at) == ((), later(600))
    (told,) = reasons(make_draft(*after.items.values(), now), item)
    assert told.endswith("; looks again at 12:10:00 UTC at the latest (GitHub's quota is used up until 15:40)")


def test_look_that_succeeds_again_is_put_off_no_more() -> None:
    item = handed_in(1)
    snapshot = make_snapshot(item, AT_WORK, make_watch(item, CHECKS, is_put_off=True))

    after, _ = step(snapshot, saw_checks(item, Verdict.PENDING))

    assert not only_watch(after, CHECKS).is_put_off


def test_look_at_what_is_done_is_put_off_alike() -> None:
    item = handed_in(1, status=WorkStatus.DONE, pull=passed())
    snapshot = make_snapshot(item, AT_WORK, make_watch(item, MERGING))

    after, _ = step(snapshot, Outcome(want=saw_merging(item).want, found=USED_UP))

    assert only_watch(after, MERGING).next_due_at == later(600)


def test_answer_of_another_kind_says_nothing_of_what_is_done() -> None:
    item = handed_in(1, status=WorkStatus.DONE, pull=passed())
    snapshot = make_snapshot(item, AT_WORK, make_watch(item, MERGING))
    odd = Outcome(want=saw_merging(item).want, found=saw_checks(item, Verdict.PASSED).found)

    after, _ = step(snapshot, odd)

    assert (after.items[item.id].pull, only_watch(after, MERGING).next_due_at) == (passed(), later(180))


@pytest.mark.parametrize("secs", [-5, 0, 1])
def test_forge_whose_clock_is_behind_is_not_asked_at_once(secs: int) -> None:
    item = handed_in(1)
    refused = Refused(reason="used up", is_temporary=True, not_before=later(secs))

    after, _ = step(
        make_snapshot(item, AT_WORK, *all_watches(item)),
        Outcome(want=saw_checks(item, Verdict.PASSED).want, found=refused),
    )

    assert only_watch(after, CHECKS).next_due_at == later(2)


def test_opening_waits_for_the_quota_and_does_not_use_up_the_tries() -> None:
    item = handed_in(1, pull=None, errors=4)
    (want,) = decided(item, AT_WORK).wants
    assert isinstance(want, OpenPull)

    after, decision = step(make_snapshot(item, AT_WORK), Outcome(want=want, found=USED_UP))

    now = after.items[item.id]
    assert (now.errors, now.retry_at, now.hold) == (4, later(600), None)
    assert (decision.wants, decision.wake_at) == ((), later(600))
    assert "forge.waits" in said(decision.changes)
    assert "last setback: opening the pull request waits: GitHub's quota is used up until 15:40" in reasons(
        make_draft(now), now
    )


def test_merge_waits_for_the_quota_with_all_that_is_known() -> None:
    item = handed_in(1, pull=passed())
    merge = Merge(item_id=item.id, url="acme/shop/pull/1", head=HEAD)

    after, decision = step(
        make_snapshot(item, AT_WORK, *all_watches(item), mission=AUTO), Outcome(want=merge, found=USED_UP)
    )

    now = after.items[item.id]
    assert (now.pull, now.errors, now.retry_at) == (passed(), 0, later(600))
    assert decision.wants == ()
