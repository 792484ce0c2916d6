"""What a merge is told to look at once more, and what is taken out of the merge queue."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.planner.world import (
    AT_WORK,
    AUTO,
    HEAD,
    MERGING,
    NEXT_HEAD,
    NOW,
    REVIEWS,
    all_watches,
    decided,
    fix_request,
    handed_in,
    later,
    make_snapshot,
    make_watch,
    only_watch,
    passed,
    pull_of,
    said,
    saw_merging,
    saw_review,
    step,
    watched,
)

from tinytown.domain.mission import MissionState
from tinytown.domain.pull import Known, Merged, Queued
from tinytown.domain.watch import WatchKind, WatchStatus
from tinytown.domain.workitem import Verdict, WorkStatus
from tinytown.planner.tick import Decision
from tinytown.planner.wants import Dequeue, Dequeued, LookAt, Merge, Outcome, Refused

BUGBOT = WatchKind.BUGBOT_COMMENTS
ITEM = handed_in(1, pull=passed(1))
ENTERED = handed_in(1, pull=passed(1, is_queued=True, is_entered=True))
STOPPED = msgspec.structs.replace(AUTO, state=MissionState.BLOCKED, is_paused=True)
MERGE = Merge(item_id=ITEM.id, url="acme/shop/pull/1", head=HEAD)
DEQUEUE = Dequeue(item_id=ITEM.id, url="acme/shop/pull/1")


def merge_of(*things: Any) -> Merge:
    (want,) = [want for want in decided(*things, AT_WORK, mission=AUTO).wants if isinstance(want, Merge)]
    return want


def dequeued(decision: Decision) -> list[str]:
    return [want.url for want in decision.wants if isinstance(want, Dequeue)]


def test_merge_says_what_it_was_found_ready_by() -> None:
    want = merge_of(ITEM)

    assert want.known is not None
    assert msgspec.structs.replace(want.known, closes=()) == Known(
        head=HEAD, branch="tt/1-thing", base="main", since=NOW, at=NOW
    )


@pytest.mark.parametrize(
    ("item", "watches", "heeds"),
    [
        (ITEM, {REVIEWS: WatchStatus.ACTIVE, BUGBOT: WatchStatus.ACTIVE}, (REVIEWS, BUGBOT)),
        (ITEM, {REVIEWS: WatchStatus.SNOOZED, BUGBOT: WatchStatus.ACTIVE}, (BUGBOT,)),
        (ITEM, {REVIEWS: WatchStatus.ACTIVE}, (REVIEWS,)),
        (handed_in(1, pull=passed(1), approved_head=HEAD), {REVIEWS: WatchStatus.ACTIVE}, ()),
        (handed_in(1, pull=passed(1), approved_head=NEXT_HEAD), {REVIEWS: WatchStatus.ACTIVE}, (REVIEWS,)),
    ],
)
def test_merge_heeds_whoever_is_watched_and_not_overruled(
    item: Any, watches: dict[WatchKind, WatchStatus], heeds: tuple[WatchKind, ...]
) -> None:
    found = merge_of(item, *(make_watch(item, kind, status=status) for kind, status in watches.items()))

    assert found.heeds == heeds


def test_merge_that_met_an_objection_has_everything_looked_at() -> None:
    refused = Refused(reason="ann asks for changes", is_temporary=True, is_conflict=True)

    _, decision = step(watched(ITEM, mission=AUTO), Outcome(want=MERGE, found=refused))

    assert {want.kind for want in decision.wants if isinstance(want, LookAt)} == {w.kind for w in all_watches(ITEM)}
    assert [want for want in decision.wants if isinstance(want, Merge)] == []


# The queue


@pytest.mark.parametrize(
    ("fields", "mission"),
    [
        ({"pull": passed(1, is_queued=True, is_entered=True, people=Verdict.FAILED)}, AUTO),
        ({"fixes": (fix_request("review"),)}, AUTO),
        ({"fixes": (fix_request("comments"),)}, AUTO),
        ({"hold": "look at it"}, AUTO),
        ({}, STOPPED),
    ],
)
def test_what_somebody_objects_to_is_taken_out_of_the_queue(fields: dict[str, Any], mission: Any) -> None:
    decision = decided(msgspec.structs.replace(ENTERED, **fields), AT_WORK, mission=mission)

    assert dequeued(decision) == ["acme/shop/pull/1"]


@pytest.mark.parametrize(
    "item",
    [
        ENTERED,
        handed_in(1, pull=passed(1, is_queued=True, people=Verdict.FAILED)),
        handed_in(1, pull=passed(1, is_queued=True, is_entered=True, people=Verdict.FAILED), approved_head=HEAD),
        msgspec.structs.replace(ENTERED, fixes=(fix_request("checks"),)),
        msgspec.structs.replace(ENTERED, hold="look at it", retry_at=later(30)),
        handed_in(1, pull=None),
        handed_in(1, pull=passed(1, is_queued=True, is_entered=True, merged_as=NEXT_HEAD), hold="look at it"),
    ],
)
def test_what_else_is_queued_stays_there(item: Any) -> None:
    assert dequeued(decided(item, AT_WORK, mission=AUTO)) == []


def test_objection_while_it_is_queued_takes_it_out() -> None:
    _, decision = step(watched(ENTERED, mission=AUTO), saw_review(ENTERED, Verdict.FAILED))

    assert dequeued(decision) == ["acme/shop/pull/1"]


def test_stopped_mission_wants_nothing_but_that() -> None:
    snapshot = make_snapshot(ENTERED, AT_WORK, *all_watches(ENTERED, next_due_at=NOW), mission=STOPPED)

    _, decision = step(snapshot)

    assert decision.wants == (DEQUEUE,)


def test_what_the_mission_put_there_is_known_until_it_is_out() -> None:
    inside, _ = step(watched(ITEM, mission=AUTO), Outcome(want=MERGE, found=Queued()))
    still, _ = step(inside, saw_merging(ITEM, Verdict.PENDING, is_queued=True))
    out, _ = step(still, saw_merging(ITEM))

    assert [pull_of(one).is_entered for one in (inside, still, out)] == [True, True, False]


def test_one_that_is_out_of_the_queue_is_mended() -> None:
    item = msgspec.structs.replace(ENTERED, fixes=(fix_request("review"),), errors=2)

    after, decision = step(watched(item, mission=AUTO), Outcome(want=DEQUEUE, found=Dequeued()))

    pull = pull_of(after)
    assert (pull.is_queued, pull.is_entered, pull.mergeable) == (False, False, Verdict.UNKNOWN)
    assert after.items[item.id].errors == 0
    assert "pull.dequeued" in said(decision.changes)
    assert only_watch(after, MERGING).next_due_at == NOW


def test_queue_that_does_not_let_it_go_is_asked_again_later_and_told_once() -> None:
    item = msgspec.structs.replace(ENTERED, hold="look at it")
    refused = Outcome(want=DEQUEUE, found=Refused(reason="no rights", is_temporary=False))

    after, decision = step(watched(item, mission=AUTO), refused)
    again, second = step(after, refused, now=later(60))

    assert (after.items[item.id].retry_at, again.items[item.id].retry_at) == (later(60), later(120))
    assert dequeued(decision) == []
    assert said(decision.changes).count("forge.failed") == 1
    assert said(second.changes).count("forge.failed") == 0


def test_queue_whose_forge_says_when_it_answers_is_asked_then() -> None:
    item = msgspec.structs.replace(ENTERED, hold="look at it")
    refused = Refused(reason="used up", is_temporary=True, not_before=later(600))

    after, _ = step(watched(item, mission=AUTO), Outcome(want=DEQUEUE, found=refused))

    assert after.items[item.id].retry_at == later(600)


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (handed_in(1, pull=None), Dequeued()),
        (handed_in(1, pull=passed(1, merged_as=NEXT_HEAD), status=WorkStatus.DONE), Dequeued()),
        (ITEM, Dequeued()),
        (ENTERED, Merged(sha=NEXT_HEAD)),
    ],
)
def test_answer_that_comes_too_late_takes_nothing_out(item: Any, found: Any) -> None:
    after, decision = step(make_snapshot(item, AT_WORK, mission=AUTO), Outcome(want=DEQUEUE, found=found))

    assert "pull.dequeued" not in said(decision.changes)
    assert after.items[item.id].pull == item.pull
