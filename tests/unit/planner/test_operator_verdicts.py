from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.planner.world import (
    AGENTS,
    HEAD,
    NOW,
    all_watches,
    draft_of,
    fix_request,
    handed_in,
    in_review,
    in_work,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    make_task,
    one,
    ready,
    reported,
    step,
)

from tinytown.domain.errors import (
    ConflictError,
    InvalidInputError,
)
from tinytown.domain.task import Report, TaskKind
from tinytown.domain.watch import WatchStatus
from tinytown.domain.workitem import PullState, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner import directives
from tinytown.planner.draft import Draft

# Approving


def test_approval_takes_the_place_of_the_review() -> None:
    item = in_review(1, hold="its review failed 3 times", fixes=(fix_request("review"), fix_request("comments")))
    review = make_task(item, "reviewer", TaskKind.REVIEW)
    draft = draft_of(item, review, *all_watches(item))

    directives.approve(draft, item, "fine by me")

    after = one(draft)
    assert (after.approved_head, after.hold, after.review_task_id) == (HEAD, None, None)
    assert [fix.cause for fix in after.fixes] == ["comments"]
    assert [one.task_id for one in draft.changes().cancelled] == [review.id]
    assert {watch.next_due_at for watch in draft.watches.values()} == {NOW}
    assert draft.changes().events[-1].text == "a person approved #1: fine by me"


@pytest.mark.parametrize("pull", [make_pull(review=Verdict.FAILED), make_pull(review=Verdict.FAILED, is_open=False)])
def test_nothing_of_an_earlier_rejection_stays_on_an_item_that_a_person_approved(pull: PullState) -> None:
    item = handed_in(1, pull=pull, fixes=(fix_request("review"),))
    draft = draft_of(item)

    directives.approve(draft, item)

    after = one(draft).pull
    assert after is not None
    assert (after.review, after.head) == (Verdict.PASSED, HEAD)


def test_gate_that_is_rejected_says_how_it_is_opened() -> None:
    gate = make_item(1, kind=WorkKind.MERGE_GATE, status=WorkStatus.BLOCKED, hold="a gate")
    draft = draft_of(gate)

    directives.reject(draft, gate, "not before Monday")

    assert one(draft).hold == "rejected by a person: not before Monday; when it may go on: tt mission approve 1"


def test_approved_item_without_pull_request_is_opened_one_still() -> None:
    item = handed_in(1, pull=None, hold="opening the pull request failed", errors=5)
    draft = draft_of(item)

    directives.approve(draft, item)

    assert (one(draft).hold, one(draft).errors, one(draft).status) == (None, 0, WorkStatus.BLOCKED)


@pytest.mark.parametrize(
    "item",
    [
        make_item(1, status=WorkStatus.BLOCKED, hold="reported as done, but its branch has no commit"),
        make_item(1, status=WorkStatus.BLOCKED, kind=WorkKind.REVIEW, hold="reported as done without an answer"),
        make_item(1, status=WorkStatus.BLOCKED, kind=WorkKind.MERGE_GATE, hold="waiting for a person"),
        handed_in(1, hold="its pull request was closed without merging", pull=make_pull(is_open=False)),
    ],
    ids=["no commit", "no answer", "gate", "closed"],
)
def test_approval_finishes_what_has_nothing_to_merge(item: WorkItem) -> None:
    draft = draft_of(item, *all_watches(item))

    directives.approve(draft, item)

    assert (one(draft).status, one(draft).approved_head, one(draft).hold) == (WorkStatus.DONE, "*", None)
    assert {watch.status for watch in draft.watches.values()} == {WatchStatus.DONE}


def test_gate_can_be_approved_before_it_is_reached() -> None:
    gate = make_item(2, needs=[1], kind=WorkKind.MERGE_GATE)
    draft = draft_of(make_item(1), gate)

    directives.approve(draft, gate)

    assert (one(draft, 2).status, one(draft, 2).approved_head) == (WorkStatus.PENDING, "*")


@pytest.mark.parametrize("item", [make_item(1), ready(1), in_work(1), in_work(1, status=WorkStatus.ASSIGNED)])
def test_item_that_has_handed_in_nothing_cannot_be_approved(item: WorkItem) -> None:
    with pytest.raises(ConflictError, match=rf"#1 is {item.status.value}; there is nothing to approve yet"):
        directives.approve(draft_of(item), item)


# Rejecting


def test_rejection_by_a_person_becomes_a_fix_with_their_words() -> None:
    item = in_review(1, approved_head=HEAD, hold="stuck", fix_rounds=5)
    review = make_task(item, "reviewer", TaskKind.REVIEW)
    draft = draft_of(item, review)

    directives.reject(draft, item, "no tests")

    after = one(draft)
    assert [(fix.cause, fix.head, fix.text) for fix in after.fixes] == [
        ("review", HEAD, "A person rejected it:\n\nno tests")
    ]
    assert (after.approved_head, after.hold, after.fix_rounds) == (None, None, 0)
    assert after.pull == make_pull(1, checks=Verdict.PASSED, mergeable=Verdict.PASSED, review=Verdict.FAILED)
    assert [one.task_id for one in draft.changes().cancelled] == [review.id]


def test_work_is_rejected_before_its_pull_request_is_open() -> None:
    item = handed_in(1, pull=None)
    draft = draft_of(item)

    directives.reject(draft, item, "no tests")
    _, decision = step(make_snapshot(one(draft), *AGENTS))

    assert [given.spec.kind for given in decision.changes.given] == [TaskKind.FIX]


def test_rejected_gate_stays_shut_with_the_reason() -> None:
    gate = make_item(1, kind=WorkKind.MERGE_GATE, status=WorkStatus.BLOCKED, hold="waiting for a person")
    draft = draft_of(gate)

    directives.reject(draft, gate, "not yet")

    assert (one(draft).status, one(draft).hold) == (
        WorkStatus.BLOCKED,
        "rejected by a person: not yet; when it may go on: tt mission approve 1",
    )


def test_gate_that_is_not_reached_only_loses_its_approval() -> None:
    gate = make_item(2, needs=[1], kind=WorkKind.MERGE_GATE, approved_head="*")
    draft = draft_of(make_item(1), gate)

    directives.reject(draft, gate, "not yet")

    assert (one(draft, 2).status, one(draft, 2).approved_head, one(draft, 2).hold) == (WorkStatus.PENDING, None, None)


@pytest.mark.parametrize("reason", ["", "  "])
def test_rejection_needs_a_reason(reason: str) -> None:
    with pytest.raises(InvalidInputError, match="a rejection needs a reason"):
        directives.reject(draft_of(handed_in(1)), handed_in(1), reason)


@pytest.mark.parametrize(
    "item", [make_item(1), ready(1), in_work(1), make_item(1, status=WorkStatus.BLOCKED, hold="failed 3 times")]
)
def test_item_that_has_handed_in_nothing_cannot_be_rejected(item: WorkItem) -> None:
    with pytest.raises(ConflictError, match="handed in nothing that could be rejected"):
        directives.reject(draft_of(item), item, "no tests")


@pytest.mark.parametrize("act", [directives.approve, lambda d, i: directives.reject(d, i, "no")])
@pytest.mark.parametrize("kind", [WorkKind.REVIEW, WorkKind.MERGE_GATE])
def test_item_that_is_done_and_has_no_branch_can_be_neither_approved_nor_rejected(
    act: Callable[[Draft, WorkItem], None], kind: WorkKind
) -> None:
    item = make_item(1, kind=kind, status=WorkStatus.DONE)

    with pytest.raises(ConflictError, match="#1 is done already"):
        act(draft_of(item), item)


def test_review_reported_before_a_persons_approval_is_settled_without_effect() -> None:
    item = in_review(1)
    draft = draft_of(item, reported(make_task(item, "reviewer", TaskKind.REVIEW), Report.REJECTED, reason="ugly"))
    directives.approve(draft, item)

    after, decision = step(
        make_snapshot(one(draft), *draft.tasks.values(), *AGENTS, mission=make_mission(policy={"auto_merge": True}))
    )

    assert after.items[item.id].fixes == ()
    assert len(decision.changes.settled) == 1
