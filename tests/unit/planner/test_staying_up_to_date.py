from __future__ import annotations

from typing import Any

import pytest
from tests.unit.planner.world import (
    AT_WORK,
    AUTO,
    HEAD,
    MERGING,
    NEXT_HEAD,
    NOW,
    all_watches,
    decided,
    fix_request,
    handed_in,
    in_review,
    later,
    make_agent,
    make_draft,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    only_watch,
    passed,
    pull_of,
    review_of,
    said,
    saw_merging,
    step,
    watched,
)

from tinytown.domain.pull import Known, Merged, Updated
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import PullState, Verdict, WorkItem, WorkStatus
from tinytown.planner.reasons import reasons
from tinytown.planner.stage import Stage, stage_of
from tinytown.planner.tick import Decision
from tinytown.planner.wants import Merge, Outcome, Refused, UpdateBranch

KNOWN = Known(head=HEAD, branch="tt/1-thing", base="main", since=NOW, at=NOW, closes=(IssueRef("acme", "shop", 1),))


def behind(number: int = 1, **fields: Any) -> PullState:
    return passed(number, **{"mergeable": Verdict.PENDING, "is_behind": True, **fields})


def updates(decision: Decision) -> list[str]:
    return [want.url for want in decision.wants if isinstance(want, UpdateBranch)]


def update_of(item: WorkItem, head: str = HEAD) -> UpdateBranch:
    known = Known(head=head, branch=item.branch, base="main", since=NOW)
    return UpdateBranch(item_id=item.id, url="acme/shop/pull/1", known=known)


def updated(item: WorkItem, head: str = NEXT_HEAD) -> Outcome:
    return Outcome(want=update_of(item), found=Updated(head=head))


def test_pull_request_that_is_behind_is_brought_up_to_date_once_all_else_is_there() -> None:
    item = handed_in(1, pull=passed(1, mergeable=Verdict.UNKNOWN))

    after, decision = step(watched(item, mission=AUTO), saw_merging(item, Verdict.PENDING, is_behind=True))

    (want,) = [want for want in decision.wants if isinstance(want, UpdateBranch)]
    assert (want.url, want.known) == ("acme/shop/pull/1", KNOWN)
    assert only_watch(after, MERGING).finding == "mergeability: behind its base"


@pytest.mark.parametrize(
    "fields",
    [
        {"pull": behind(checks=Verdict.FAILED)},
        {"pull": behind(checks=Verdict.PENDING)},
        {"pull": behind(review=Verdict.UNKNOWN)},
        {"pull": behind(people=Verdict.FAILED)},
        {"pull": behind(), "fixes": (fix_request("comments"),)},
        {"pull": behind(), "hold": "branch is protected"},
        {"pull": behind(), "retry_at": later(30)},
    ],
)
def test_it_stays_behind_while_something_else_is_in_the_way(fields: dict[str, Any]) -> None:
    assert updates(decided(handed_in(1, **fields), AT_WORK, mission=AUTO)) == []


def test_it_stays_behind_while_what_it_builds_on_was_sent_back() -> None:
    lower, item = handed_in(1, hold="look"), handed_in(2, depends_on=(handed_in(1).id,), pull=behind(2))

    assert updates(decided(lower, item, AT_WORK, mission=AUTO)) == []


def test_without_auto_merge_one_that_is_behind_is_done_and_brought_up_to_date_when_a_person_wants_it() -> None:
    done = decided(handed_in(1, pull=behind()), AT_WORK)
    wanted = decided(handed_in(1, pull=behind(), merge_head=HEAD), AT_WORK)

    assert done.changes.items[0].status is WorkStatus.DONE
    assert (updates(done), updates(wanted)) == ([], ["acme/shop/pull/1"])


def test_one_at_a_time_is_brought_up_to_date_the_one_opened_first() -> None:
    items = [handed_in(n, pull=behind(n, opened_at=later(-n))) for n in (1, 2, 3)]

    assert updates(decided(*items, AT_WORK, mission=AUTO)) == ["acme/shop/pull/3"]


def test_each_base_has_one_that_is_brought_up_to_date() -> None:
    items = [handed_in(1, pull=behind(1)), handed_in(2, pull=behind(2, base="next", accepted_base="next"))]

    assert updates(decided(*items, AT_WORK, mission=AUTO)) == ["acme/shop/pull/1", "acme/shop/pull/2"]


def test_one_that_backs_off_lets_the_next_go() -> None:
    items = [handed_in(1, pull=behind(1), retry_at=later(30)), handed_in(2, pull=behind(2))]

    assert updates(decided(*items, AT_WORK, mission=AUTO)) == ["acme/shop/pull/2"]


@pytest.mark.parametrize(
    "first",
    [
        passed(2, checks=Verdict.PENDING),
        passed(2, mergeable=Verdict.UNKNOWN),
        passed(2),
    ],
)
def test_one_that_will_be_merged_soon_goes_first(first: PullState) -> None:
    item = handed_in(1, pull=behind())

    decision = decided(item, handed_in(2, pull=first), AT_WORK, mission=AUTO)

    assert updates(decision) == []
    assert decision.wake_at == later(1800)


@pytest.mark.parametrize(
    "other",
    [
        handed_in(2, pull=passed(2, checks=Verdict.FAILED)),
        handed_in(2, pull=passed(2, checks=Verdict.PENDING, head_since=later(-1800))),
        handed_in(2, pull=passed(2, checks=Verdict.PENDING, review=Verdict.UNKNOWN)),
        handed_in(2, pull=passed(2, base="next")),
        handed_in(2, pull=passed(2), hold="branch is protected"),
        handed_in(2, pull=behind(2, checks=Verdict.PENDING)),
        make_item(2),
    ],
)
def test_nobody_waits_for_what_is_not_merged_soon(other: WorkItem) -> None:
    assert updates(decided(handed_in(1, pull=behind()), other, AT_WORK, mission=AUTO)) == ["acme/shop/pull/1"]


def test_age_of_what_was_opened_before_ages_were_known_is_now() -> None:
    other = handed_in(2, pull=passed(2, checks=Verdict.PENDING, head_since=None))

    assert updates(decided(handed_in(1, pull=behind()), other, AT_WORK, mission=AUTO)) == []


def test_person_who_merges_by_hand_keeps_nobody_waiting() -> None:
    other = handed_in(2, pull=passed(2, checks=Verdict.PENDING))

    assert updates(decided(handed_in(1, pull=behind(), merge_head=HEAD), other, AT_WORK)) == ["acme/shop/pull/1"]


# What comes of it


def test_branch_brought_up_to_date_keeps_what_people_said_and_is_checked_anew() -> None:
    pull = behind(people=Verdict.PASSED, people_by="ann", told=("a",), reruns=1)
    item = handed_in(1, pull=pull, approved_head=HEAD, merge_head=HEAD, errors=2)

    after, decision = step(watched(item, mission=AUTO), updated(item), now=later(60))

    assert pull_of(after) == make_pull(
        1,
        head=NEXT_HEAD,
        head_since=later(60),
        checks=Verdict.PENDING,
        review=Verdict.PASSED,
        people=Verdict.PASSED,
        people_by="ann",
        is_heard=True,
        told=("a",),
        updates=1,
    )
    now = after.items[item.id]
    assert (now.submitted, now.approved_head, now.merge_head, now.errors) == (NEXT_HEAD, NEXT_HEAD, NEXT_HEAD, 0)
    assert "pull.updated" in said(decision.changes)
    assert len(decision.wants) == 3


def test_approval_of_another_head_is_not_carried_over() -> None:
    item = handed_in(1, pull=behind(), approved_head="*")

    after, _ = step(watched(item, mission=AUTO), updated(item))

    assert (after.items[item.id].approved_head, after.items[item.id].merge_head) == ("*", None)


def test_review_of_the_branch_as_it_was_is_taken_back() -> None:
    item = in_review(1, pull=behind(people=Verdict.PASSED))
    review = review_of(item)
    snapshot = make_snapshot(item, review, AT_WORK, make_agent("reviewer", open_tasks=1), mission=AUTO)

    after, decision = step(snapshot, updated(item))

    assert [one.task_id for one in decision.changes.cancelled] == [review.id]
    assert after.items[item.id].review_task_id is None


def test_branch_that_was_up_to_date_is_looked_at_again_when_the_forge_has_caught_up() -> None:
    item = handed_in(1, pull=behind())

    after, decision = step(watched(item, mission=AUTO), updated(item, HEAD))

    assert pull_of(after) == behind(mergeable=Verdict.UNKNOWN)
    assert only_watch(after, MERGING).next_due_at == later(10)
    assert decision.wants == ()


def test_branch_that_moved_meanwhile_is_looked_at() -> None:
    item = handed_in(1, pull=behind(head="d" * 40))

    after, decision = step(watched(item, mission=AUTO), updated(item))

    assert pull_of(after) == item.pull
    assert len([want for want in decision.wants if not isinstance(want, UpdateBranch)]) == 3


@pytest.mark.parametrize("item", [handed_in(1, pull=None), handed_in(1, pull=behind(), status=WorkStatus.DONE)])
def test_update_of_what_is_done_or_gone_is_not_taken_in(item: WorkItem) -> None:
    after, _ = step(make_snapshot(item, make_item(2), AT_WORK, mission=AUTO), updated(item))

    assert after.items[item.id].pull == item.pull


def test_answer_of_another_kind_updates_nothing() -> None:
    item = handed_in(1, pull=behind())

    after, _ = step(watched(item, mission=AUTO), Outcome(want=update_of(item), found=Merged(sha=NEXT_HEAD)))

    assert pull_of(after) == item.pull


CONFLICT = Refused(reason="conflict in a.py", is_temporary=True, is_conflict=True)


def test_conflict_is_looked_at_first_for_the_head_may_have_moved() -> None:
    item = handed_in(1, pull=behind())

    after, decision = step(watched(item, mission=AUTO), Outcome(want=update_of(item), found=CONFLICT))

    now = after.items[item.id]
    assert (now.fixes, now.errors, now.retry_at) == ((), 1, later(10))
    assert [getattr(want, "kind", None) for want in decision.wants] == [MERGING]


def test_conflict_that_lasts_is_to_be_mended() -> None:
    item = handed_in(1, pull=behind(), errors=1)

    after, _ = step(watched(item, mission=AUTO), Outcome(want=update_of(item), found=CONFLICT))

    (fix,) = after.items[item.id].fixes
    assert fix.cause == "conflict"
    assert fix.text.startswith("The branch no longer merges into main: conflict in a.py")
    assert after.items[item.id].errors == 0


def test_protected_branch_asks_for_a_person() -> None:
    item = handed_in(1, pull=behind())
    refused = Refused(reason="branch is protected", is_temporary=False)

    after, _ = step(watched(item, mission=AUTO), Outcome(want=update_of(item), found=refused))

    assert after.items[item.id].hold == "bringing its branch up to date failed: branch is protected"


def test_used_up_quota_leaves_it_behind_for_now() -> None:
    item = handed_in(1, pull=behind())
    refused = Refused(reason="used up", is_temporary=True, not_before=later(600))

    after, decision = step(watched(item, mission=AUTO), Outcome(want=update_of(item), found=refused))

    now = after.items[item.id]
    assert (now.pull, now.errors, now.retry_at) == (behind(), 0, later(600))
    assert updates(decision) == []


def test_conflict_names_the_base_of_the_pull_request() -> None:
    item = handed_in(1, pull=make_pull(1, base="next"))

    after, _ = step(watched(item), saw_merging(item, Verdict.FAILED))

    assert after.items[item.id].fixes[0].text.startswith("The branch no longer merges into next: conflict")


def test_base_that_a_person_chose_is_taken_over() -> None:
    item = handed_in(1)

    after, decision = step(watched(item), saw_merging(item, base="next"))

    assert pull_of(after).base == "next"
    assert "pull.retargeted" in said(decision.changes)


def test_one_that_is_behind_says_whom_it_waits_for() -> None:
    item, other = handed_in(1, pull=behind()), handed_in(2, pull=behind(2, opened_at=later(-5)))

    alone = reasons(make_draft(item, mission=AUTO), item)
    after = reasons(make_draft(item, other, mission=AUTO), item)

    assert alone == ("PR #1 is behind main and is brought up to date",)
    assert after == ("PR #1 is behind main; it is brought up to date after #2 is merged into that",)
    assert stage_of(item, AUTO.policy) is Stage.BEHIND
    assert stage_of(item, make_mission().policy) is Stage.MERGE


def test_merge_goes_on_when_the_checks_of_the_updated_branch_have_passed() -> None:
    item = handed_in(1, pull=passed(1, head=NEXT_HEAD), submitted=NEXT_HEAD)

    decision = decided(item, AT_WORK, *all_watches(item), mission=AUTO)

    assert [want.head for want in decision.wants if isinstance(want, Merge)] == [NEXT_HEAD]
