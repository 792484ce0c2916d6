from __future__ import annotations

from typing import Any

import pytest
from tests.unit.planner.world import (
    AT_WORK,
    AUTO,
    HEAD,
    NEXT_HEAD,
    NOW,
    WATCHED,
    agent_id,
    all_watches,
    changed,
    decided,
    fix_request,
    given_to,
    handed_in,
    in_review,
    later,
    make_agent,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    make_task,
    opened_as,
    passed,
    ready,
    said,
    saw_merging,
    step,
)

from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.message import MessageKind
from tinytown.domain.mission import MissionState
from tinytown.domain.pull import Merged
from tinytown.domain.refs import IssueRef
from tinytown.domain.task import TaskKind
from tinytown.domain.watch import TriggerAction, WatchKind, WatchStatus
from tinytown.domain.workitem import Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner import directives
from tinytown.planner.draft import Draft
from tinytown.planner.tick import Decision, decide
from tinytown.planner.wants import LookedUp, Merge, OpenPull, Outcome, Refused


def wanted_pull(decision: Decision) -> OpenPull:
    (want,) = (want for want in decision.wants if isinstance(want, OpenPull))
    return want


def merges(decision: Decision) -> list[Merge]:
    return [want for want in decision.wants if isinstance(want, Merge)]


def unopened(**fields: Any) -> WorkItem:
    return handed_in(1, **{"pull": None, **fields})


def merge_of(item: WorkItem) -> Merge:
    return Merge(item_id=item.id, url=f"acme/shop/pull/{item.key[1:]}", head=HEAD)


# Opening


def test_pull_request_is_wanted_for_what_was_handed_in() -> None:
    item = unopened(named_pull="https://github.com/acme/shop/pull/7")

    draft = wanted_pull(decided(item, AT_WORK)).draft

    assert (draft.branch, draft.base, draft.head, draft.title) == ("tt/1-thing", "main", HEAD, "thing 1")
    assert draft.named_url == "https://github.com/acme/shop/pull/7"
    assert draft.marker == f"<!-- tinytown:item={item.id} -->"
    assert (draft.body, draft.closes) == ("thing 1", (IssueRef("acme", "shop", 1),))


@pytest.mark.parametrize("source", [None, "docs/plan.md", "docs/#3 plan.md"])
def test_pull_request_of_a_document_closes_no_issue(source: str | None) -> None:
    assert wanted_pull(decided(unopened(source_ref=source), AT_WORK)).draft.closes == ()


def test_opened_pull_request_is_watched_from_now_on() -> None:
    item = unopened(errors=2)
    snapshot = make_snapshot(item, AT_WORK)
    want = wanted_pull(decided(item, AT_WORK))

    after, decision = step(snapshot, opened_as(want))

    pulled = after.items[item.id]
    assert pulled.pull == make_pull(1)
    assert (pulled.errors, pulled.artifact_refs) == (0, ("acme/shop/pull/1",))
    assert {watch.kind for watch in after.watches.values()} == set(WATCHED)
    assert all(watch.next_due_at == NOW and watch.interval_secs == 180 for watch in after.watches.values())
    triggers = {watch.kind: watch.on_trigger for watch in after.watches.values()}
    assert triggers[WatchKind.PR_CHECKS] is TriggerAction.CREATE_FIX_TASK
    assert "pull.opened" in said(decision.changes)


def test_pull_request_that_has_gone_on_is_taken_at_its_own_head() -> None:
    item = unopened()
    snapshot = make_snapshot(item, AT_WORK)

    after, _ = step(snapshot, opened_as(wanted_pull(decided(item, AT_WORK)), head=NEXT_HEAD))

    assert after.items[item.id].submitted == NEXT_HEAD


@pytest.mark.parametrize("item", [handed_in(1), handed_in(1, pull=None, status=WorkStatus.DONE)])
def test_pull_request_that_nobody_needs_any_more_is_not_taken_in(item: WorkItem) -> None:
    want = wanted_pull(decided(unopened(), AT_WORK))

    after, _ = step(make_snapshot(item, make_item(2), AT_WORK), opened_as(want, number=9))

    assert after.items[item.id].pull == item.pull


def test_opening_that_failed_is_tried_again_after_a_pause() -> None:
    item = unopened()
    want = wanted_pull(decided(item, AT_WORK))

    after, decision = step(
        make_snapshot(item, AT_WORK), Outcome(want=want, found=Refused(reason="502", is_temporary=True))
    )

    assert (after.items[item.id].errors, after.items[item.id].retry_at) == (1, later(10))
    assert decision.wants == ()
    assert decision.wake_at == later(10)
    assert "forge.failed" in said(decision.changes)


@pytest.mark.parametrize(
    ("errors", "refused"),
    [
        (4, Refused(reason="no rights", is_temporary=True, is_conflict=True)),
        (0, Refused(reason="no rights", is_temporary=False)),
    ],
)
def test_opening_that_keeps_being_refused_or_cannot_succeed_asks_for_a_person(errors: int, refused: Refused) -> None:
    item = unopened(errors=errors)

    after, _ = step(
        make_snapshot(item, AT_WORK), Outcome(want=wanted_pull(decided(unopened(), AT_WORK)), found=refused)
    )

    assert after.items[item.id].hold == "opening the pull request failed: no rights"


def test_forge_that_stays_away_is_tried_on_for_ever_and_a_person_is_told() -> None:
    item = unopened(errors=4)
    refused = Outcome(want=wanted_pull(decided(item, AT_WORK)), found=Refused(reason="no route", is_temporary=True))
    snapshot = make_snapshot(item, AT_WORK)

    after, decision = step(snapshot, refused)
    failing = after.items[item.id]
    assert (failing.hold, failing.errors, failing.retry_at) == (None, 5, later(160))
    assert failing.setback == "opening the pull request keeps failing and is tried on: no route"
    assert after.mission.help is not None
    assert after.mission.help.causes == (f"#1: {failing.setback}",)
    assert "help.asked" in said(decision.changes)

    after, decision = step(after, refused, now=later(160))
    assert (after.items[item.id].errors, after.items[item.id].retry_at) == (6, later(460))
    assert not {"help.asked", "forge.failed"} & set(said(decision.changes)), "it was said once"
    assert wanted_pull(decide(after, [], later(460))).item_id == item.id


def test_person_who_knows_that_the_forge_is_back_has_it_tried_at_once() -> None:
    item = unopened(errors=7, retry_at=later(300), setback="opening the pull request keeps failing")
    draft = Draft(make_snapshot(item, AT_WORK), NOW)

    directives.resume(draft)

    assert (draft.items[item.id].errors, draft.items[item.id].retry_at) == (0, None)


def test_answer_of_another_kind_opens_nothing() -> None:
    item = unopened()
    odd = Outcome(want=wanted_pull(decided(item, AT_WORK)), found=LookedUp(is_open=True))

    after, _ = step(make_snapshot(item, AT_WORK), odd)

    assert after.items[item.id].pull is None


# Merging


def test_without_auto_merge_an_item_is_done_when_it_is_ready_to_merge() -> None:
    item = handed_in(1, pull=passed())

    decision = decided(item, AT_WORK, *all_watches(item))

    assert changed(decision, 1).status is WorkStatus.DONE
    assert merges(decision) == []
    assert {watch.status for watch in decision.changes.watches} == {WatchStatus.DONE}
    assert decision.changes.events[0].text == "#1 is done, ready to merge"


def test_without_auto_merge_dependents_start_from_its_branch() -> None:
    decision = decided(handed_in(1, pull=passed()), make_item(2, needs=[1]), make_agent("backend"))

    assert [given.spec.starts_from for given in decision.changes.given] == [("tt/1-thing",)]


def test_ready_pull_request_is_merged_with_auto_merge_at_exactly_its_head() -> None:
    decision = decided(handed_in(1, pull=passed()), AT_WORK, mission=AUTO)

    (want,) = merges(decision)
    assert (want.item_id, want.url, want.head) == (handed_in(1).id, "acme/shop/pull/1", HEAD)
    assert want.closes == (IssueRef("acme", "shop", 1),)
    assert decision.changes.mission.state is MissionState.RUNNING


@pytest.mark.parametrize("missing", ["checks", "review", "mergeable"])
@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.PENDING, Verdict.FAILED])
def test_nothing_is_merged_before_checks_review_and_mergeability_are_there(missing: str, verdict: Verdict) -> None:
    item = handed_in(1, pull=passed(1, **{missing: verdict}))

    for mission in (AUTO, make_mission()):
        decision = decided(item, AT_WORK, mission=mission)
        assert merges(decision) == []
        assert all(one.status is not WorkStatus.DONE for one in decision.changes.items)


def test_nothing_is_merged_while_something_must_be_mended() -> None:
    assert merges(decided(handed_in(1, pull=passed(), fixes=(fix_request("comments"),)), AT_WORK, mission=AUTO)) == []


def test_kind_without_review_merges_without_one() -> None:
    item = handed_in(1, kind=WorkKind.DESIGN, pull=passed(1, review=Verdict.UNKNOWN))

    assert len(merges(decided(item, AT_WORK, mission=AUTO))) == 1


def test_persons_approval_takes_the_place_of_the_review_for_that_head_only() -> None:
    pull = passed(1, review=Verdict.UNKNOWN)

    assert len(merges(decided(handed_in(1, pull=pull, approved_head=HEAD), AT_WORK, mission=AUTO))) == 1
    assert merges(decided(handed_in(1, pull=pull, approved_head=NEXT_HEAD), AT_WORK, mission=AUTO)) == []


def test_one_is_merged_at_a_time_the_one_opened_first() -> None:
    items = [handed_in(n, pull=passed(n, opened_at=later(-n))) for n in (1, 2, 3)]

    assert [want.item_id for want in merges(decided(*items, AT_WORK, mission=AUTO))] == [items[2].id]


def test_pull_request_of_unknown_age_is_as_old_as_its_item() -> None:
    items = [
        handed_in(1, pull=passed(1, opened_at=later(-5))),
        handed_in(2, pull=passed(2, opened_at=None), created_at=later(-9)),
    ]

    assert [want.item_id for want in merges(decided(*items, AT_WORK, mission=AUTO))] == [items[1].id]


def test_merge_that_backs_off_lets_the_next_one_go() -> None:
    items = [handed_in(1, pull=passed(1), retry_at=later(30)), handed_in(2, pull=passed(2))]

    decision = decided(*items, AT_WORK, mission=AUTO)

    assert [want.item_id for want in merges(decision)] == [items[1].id]
    assert decision.wake_at == later(30)


def test_merged_item_is_done_and_its_dependents_go_on_from_the_base() -> None:
    item, dependent = handed_in(1, pull=passed()), make_item(2, needs=[1])
    snapshot = make_snapshot(item, dependent, make_agent("backend"), *all_watches(item), mission=AUTO)

    after, decision = step(snapshot, Outcome(want=merge_of(item), found=Merged(sha=NEXT_HEAD)))

    done = after.items[item.id]
    assert (done.status, done.is_merged, done.artifact_refs) == (WorkStatus.DONE, True, (NEXT_HEAD,))
    assert list(given_to(decision)) == ["#2"]
    assert decision.changes.given[0].spec.starts_from == ()


def test_after_a_merge_siblings_must_show_again_that_they_merge() -> None:
    first, second, third = handed_in(1, pull=passed(1)), handed_in(2, pull=passed(2)), ready(3)
    snapshot = make_snapshot(first, second, third, AT_WORK, *all_watches(second), mission=AUTO)

    after, decision = step(snapshot, Outcome(want=merge_of(first), found=Merged(sha=NEXT_HEAD)))

    sibling = after.items[second.id].pull
    assert sibling == passed(2, mergeable=Verdict.UNKNOWN)
    assert merges(decision) == []
    assert [getattr(want, "kind", None) for want in decision.wants] == [WatchKind.MERGEABILITY]


def test_what_a_person_should_know_of_a_merge_is_said() -> None:
    item = handed_in(1, pull=passed())
    found = Merged(sha=NEXT_HEAD, notice="checkout left behind")

    _, decision = step(make_snapshot(item, AT_WORK, mission=AUTO), Outcome(want=merge_of(item), found=found))

    assert ("merge.notice", "checkout left behind") in [(e.type, e.text) for e in decision.changes.events]
    told = [(m.to, m.kind, m.text) for m in decision.changes.messages]
    assert told == [(CONDUCTOR, MessageKind.INFO, "PR #1 (#1) was merged: checkout left behind")]


def test_merge_that_was_refused_is_looked_at_again_and_tried_after_a_pause() -> None:
    item = handed_in(1, pull=passed())
    refused = Refused(reason="head moved", is_temporary=True)

    after, decision = step(
        make_snapshot(item, AT_WORK, *all_watches(item), mission=AUTO), Outcome(want=merge_of(item), found=refused)
    )

    again = after.items[item.id]
    assert again.pull == passed(1, mergeable=Verdict.UNKNOWN)
    assert (again.errors, again.retry_at) == (1, later(10))
    assert len(decision.wants) == 3


def test_merge_that_cannot_succeed_asks_for_a_person() -> None:
    item = handed_in(1, pull=passed())
    refused = Refused(reason="branch is protected", is_temporary=False)

    after, _ = step(make_snapshot(item, AT_WORK, mission=AUTO), Outcome(want=merge_of(item), found=refused))

    assert after.items[item.id].hold == "merging failed: branch is protected"


def test_answer_of_another_kind_merges_nothing() -> None:
    item = handed_in(1, pull=passed())

    after, _ = step(
        make_snapshot(item, AT_WORK, mission=AUTO), Outcome(want=merge_of(item), found=LookedUp(is_open=False))
    )

    assert not after.items[item.id].is_merged


@pytest.mark.parametrize("item", [handed_in(1, pull=None), handed_in(1, pull=passed(), status=WorkStatus.DONE)])
def test_merge_of_what_is_done_or_has_no_pull_request_is_not_taken_in(item: WorkItem) -> None:
    snapshot = make_snapshot(item, make_item(2), AT_WORK, mission=AUTO)

    after, _ = step(snapshot, Outcome(want=merge_of(item), found=Merged(sha=NEXT_HEAD)))

    assert not after.items[item.id].is_merged


def test_review_still_open_when_its_item_is_done_is_taken_back() -> None:
    item = in_review(1, pull=passed())
    review = make_task(item, "reviewer", TaskKind.REVIEW)

    decision = decided(item, review, AT_WORK, make_agent("reviewer", open_tasks=1))

    assert changed(decision, 1).status is WorkStatus.DONE
    assert [one.task_id for one in decision.changes.cancelled] == [review.id]
    assert decision.changes.mission.state is MissionState.COMPLETED


def test_fix_for_a_conflict_goes_to_the_author() -> None:
    item = handed_in(1, pull=passed())
    snapshot = make_snapshot(item, make_agent("backend"), *all_watches(item), mission=AUTO)

    _, decision = step(snapshot, saw_merging(item, Verdict.FAILED))

    assert given_to(decision) == {"#1": agent_id("backend")}
    assert merges(decision) == []
