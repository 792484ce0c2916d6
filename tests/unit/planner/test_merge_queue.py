from __future__ import annotations

import pytest
from tests.unit.planner.world import (
    AT_WORK,
    AUTO,
    HEAD,
    MERGING,
    NEXT_HEAD,
    NOW,
    all_watches,
    causes,
    decided,
    fix_request,
    handed_in,
    later,
    make_agent,
    make_draft,
    make_snapshot,
    only_watch,
    passed,
    pull_of,
    said,
    saw_checks,
    saw_merging,
    step,
    watched,
)

from tinytown.domain.errors import ConflictError
from tinytown.domain.pull import Queued
from tinytown.domain.workitem import Verdict, WorkStatus
from tinytown.planner import directives
from tinytown.planner.reasons import reasons
from tinytown.planner.stage import Stage, stage_of
from tinytown.planner.wants import Merge, Outcome

ITEM = handed_in(1, pull=passed())
IN_QUEUE = handed_in(1, pull=passed(1, is_queued=True))
MERGE = Merge(item_id=ITEM.id, url="acme/shop/pull/1", head=HEAD)


def test_queued_pull_request_is_not_merged_a_second_time() -> None:
    after, decision = step(watched(ITEM, mission=AUTO), Outcome(want=MERGE, found=Queued(position=3)))

    assert pull_of(after).is_queued
    assert stage_of(after.items[ITEM.id], AUTO.policy) is Stage.QUEUED
    assert decision.wants == ()
    assert only_watch(after, MERGING).next_due_at == later(30)
    assert "pull.queued" in said(decision.changes)


def test_next_one_goes_into_the_queue_as_well() -> None:
    decision = decided(IN_QUEUE, handed_in(2, pull=passed(2)), AT_WORK, mission=AUTO)

    assert [want.url for want in decision.wants if isinstance(want, Merge)] == ["acme/shop/pull/2"]


@pytest.mark.parametrize("pull", [passed(1, head=NEXT_HEAD), passed(1, is_queued=True)])
def test_queue_of_another_head_or_known_already_changes_nothing(pull: object) -> None:
    item = handed_in(1, pull=pull)

    after, decision = step(make_snapshot(item, AT_WORK), Outcome(want=MERGE, found=Queued()))

    assert pull_of(after) == pull
    assert "pull.queued" not in said(decision.changes)


def test_nothing_is_pushed_while_it_is_queued() -> None:
    item = handed_in(1, pull=passed(1, is_queued=True), fixes=(fix_request("checks"),))

    decision = decided(item, make_agent("backend"), mission=AUTO)

    assert decision.changes.given == ()
    assert decision.wants == ()


def test_queue_is_seen_too_when_a_person_put_it_there() -> None:
    after, decision = step(watched(ITEM, mission=AUTO), saw_merging(ITEM, Verdict.PENDING, is_queued=True))

    assert pull_of(after).is_queued
    assert only_watch(after, MERGING).finding == "in the merge queue"
    assert [want for want in decision.wants if isinstance(want, Merge)] == []


def test_pull_request_that_the_queue_merged_is_done() -> None:
    after, _ = step(watched(IN_QUEUE, mission=AUTO), saw_merging(IN_QUEUE, merged_as=NEXT_HEAD))

    assert after.items[ITEM.id].status is WorkStatus.DONE
    assert not pull_of(after).is_queued


def test_pull_request_that_was_thrown_out_is_checked_anew_before_it_is_tried_again() -> None:
    after, decision = step(watched(IN_QUEUE, mission=AUTO), saw_merging(IN_QUEUE))

    now = after.items[ITEM.id]
    assert pull_of(after) == passed(1, checks=Verdict.UNKNOWN)
    assert (now.errors, now.retry_at) == (1, later(10))
    assert now.setback == "merging failed (try 1 of 5): it was thrown out of the merge queue"
    assert len(decision.wants) == 3


def test_pull_request_that_is_thrown_out_again_and_again_asks_for_a_person() -> None:
    item = handed_in(1, pull=passed(1, is_queued=True), errors=4)

    after, _ = step(watched(item, mission=AUTO), saw_merging(item))

    assert after.items[item.id].hold == "merging failed: it was thrown out of the merge queue"


def test_push_by_somebody_takes_it_out_of_the_queue() -> None:
    after, _ = step(watched(IN_QUEUE, mission=AUTO), saw_merging(IN_QUEUE, head=NEXT_HEAD))

    assert (pull_of(after).is_queued, after.items[ITEM.id].errors) == (False, 0)


def test_failing_check_of_what_is_queued_is_mended_when_it_is_out() -> None:
    after, _ = step(watched(IN_QUEUE, mission=AUTO), saw_checks(IN_QUEUE, Verdict.FAILED))

    assert causes(after) == ["checks"]
    assert stage_of(after.items[ITEM.id], AUTO.policy) is Stage.QUEUED


def test_closing_takes_it_out_of_the_queue() -> None:
    after, _ = step(watched(IN_QUEUE, mission=AUTO), saw_merging(IN_QUEUE, is_open=False))

    assert not pull_of(after).is_queued
    assert stage_of(after.items[ITEM.id], AUTO.policy) is Stage.HELD


def test_person_cannot_reject_what_the_forge_is_about_to_merge() -> None:
    draft = make_draft(IN_QUEUE, mission=AUTO)

    with pytest.raises(ConflictError, match="PR #1 is in the merge queue; take it out of that first"):
        directives.reject(draft, IN_QUEUE, "ugly")


def test_queued_one_says_so_and_when_it_is_looked_at() -> None:
    draft = make_draft(IN_QUEUE, *all_watches(IN_QUEUE, next_due_at=NOW), mission=AUTO)

    assert reasons(draft, IN_QUEUE) == ("PR #1 is in the merge queue; looks again at 12:00:00 UTC at the latest",)
