from __future__ import annotations

from typing import Any

import pytest
from tests.unit.planner.world import (
    AT_WORK,
    AUTO,
    CHECKS,
    HEAD,
    NEXT_HEAD,
    REVIEWS,
    STOPPED,
    all_watches,
    causes,
    fix_request,
    handed_in,
    looked,
    make_agent,
    make_pull,
    make_snapshot,
    make_watch,
    only_watch,
    passed,
    pull_of,
    saw_checks,
    saw_review,
    step,
    watched,
)

from tinytown.domain.pull import Finding, ReviewSeen
from tinytown.domain.watch import WatchKind, WatchStatus
from tinytown.domain.workitem import FixRequest, Verdict, WorkItem
from tinytown.planner import fixes
from tinytown.planner.seen_reviews import MOST_AT_ONCE
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.stage import Stage, stage_of
from tinytown.planner.wants import Merge, Outcome

BOTS = WatchKind.BUGBOT_COMMENTS


def objects(item: WorkItem, *names: str, kind: WatchKind = REVIEWS, **fields: Any) -> Outcome:
    """Somebody objects to so many things."""
    findings = tuple(Finding(id=name, text=f"mend {name}") for name in names)
    values: dict[str, Any] = {"verdict": Verdict.FAILED, "by": "ann", "head": HEAD, **fields}
    return looked(item, make_watch(item, kind), ReviewSeen(findings=findings, **values))


def fix_of(snapshot: Snapshot, item: WorkItem) -> FixRequest:
    (fix,) = snapshot.items[item.id].fixes
    return fix


@pytest.mark.parametrize(("kind", "cause"), [(REVIEWS, "review"), (BOTS, "comments")])
def test_findings_are_handed_over_one_by_one(kind: WatchKind, cause: str) -> None:
    item = handed_in(1)
    snapshot = make_snapshot(item, AT_WORK, make_watch(item, kind))

    after, _ = step(snapshot, objects(item, "a", "b", kind=kind))

    fix = fix_of(after, item)
    assert (fix.cause, fix.text, fix.findings) == (cause, "ann objects:\n\nmend a\n\nmend b", ("a", "b"))
    assert pull_of(after).told == ()


def test_findings_count_as_told_when_an_agent_gets_them() -> None:
    item = handed_in(1, pull=make_pull(1, told=("z",)))

    after, decision = step(make_snapshot(item, make_agent("backend"), *all_watches(item)), objects(item, "a", "b"))

    assert [given.spec.causes for given in decision.changes.given] == [("review",)]
    assert pull_of(after).told == ("z", "a", "b")


def test_what_was_told_is_not_told_again() -> None:
    item = handed_in(1, pull=make_pull(1, told=("a", "b")))

    after, _ = step(watched(item), objects(item, "a", "b"))

    assert causes(after) == []
    assert pull_of(after).people is Verdict.FAILED


def test_new_finding_is_told_with_how_many_are_open_besides() -> None:
    item = handed_in(1, pull=make_pull(1, told=("a", "b")))

    after, _ = step(watched(item), objects(item, "a", "b", "c"))

    assert fix_of(after, item).findings == ("c",)
    assert fix_of(after, item).text == (
        "ann objects:\n\nmend c\n\n(2 more of what was said is still open there; it is not repeated here.)"
    )


def test_finding_that_comes_before_anybody_mends_joins_the_others() -> None:
    waiting = FixRequest(cause="review", head=HEAD, text="old", since=handed_in(1).created_at, findings=("a",))
    item = handed_in(1, fixes=(waiting,), pull=make_pull(1, told=("a",)))

    after, _ = step(watched(item), objects(item, "a", "b"))

    assert fix_of(after, item).findings == ("a", "b")


def test_so_many_findings_are_handed_over_at_once_and_no_more() -> None:
    item = handed_in(1)
    names = [f"f{n}" for n in range(MOST_AT_ONCE + 3)]

    after, _ = step(watched(item), objects(item, *names))

    assert fix_of(after, item).findings == tuple(names[:MOST_AT_ONCE])
    assert "(3 more of what was said" in fix_of(after, item).text


def test_only_the_newest_findings_are_remembered_as_told() -> None:
    told = tuple(f"t{n}" for n in range(fixes.MOST_TOLD))
    item = handed_in(1, pull=make_pull(1, told=told))

    after, _ = step(make_snapshot(item, make_agent("backend"), *all_watches(item)), objects(item, "a"))

    assert pull_of(after).told == (*told[1:], "a")


def test_item_without_a_pull_request_has_nothing_told() -> None:
    assert fixes.with_told(handed_in(1, pull=None)) is None


def test_silent_bot_leaves_its_objection() -> None:
    item = handed_in(1, fixes=(fix_request("comments"),))

    after, _ = step(make_snapshot(item, AT_WORK, make_watch(item, BOTS)), saw_review(item, Verdict.PENDING, kind=BOTS))

    assert causes(after) == ["comments"]


def test_what_reviewers_wait_for_is_said() -> None:
    item = handed_in(1)

    after, _ = step(watched(item), objects(item, verdict=Verdict.PENDING, note="waits for bob"))

    assert only_watch(after, REVIEWS).finding == "comments: pending (by ann); waits for bob"


# What people on the forge say stands beside what the town's reviewer says


def test_objection_of_a_person_blocks_the_merge_although_the_reviewer_approved() -> None:
    item = handed_in(1, pull=passed(1, told=("a",)))

    after, decision = step(watched(item, mission=AUTO), objects(item, "a"))

    assert [want for want in decision.wants if isinstance(want, Merge)] == []
    assert stage_of(after.items[item.id], AUTO.policy) is Stage.PEOPLE
    assert pull_of(after).reviewed is Verdict.FAILED


def test_objection_of_a_person_outlasts_a_new_head_until_they_are_content() -> None:
    item = handed_in(1, pull=passed(1, people=Verdict.FAILED, people_by="ann"))
    moved, _ = step(watched(item), saw_checks(item, Verdict.PASSED, head=NEXT_HEAD))

    still = pull_of(moved)
    content, _ = step(moved, saw_review(item, Verdict.PASSED, head=NEXT_HEAD))

    assert (still.people, still.people_by, still.is_heard) == (Verdict.FAILED, "ann", False)
    assert (pull_of(content).people, pull_of(content).is_heard) == (Verdict.PASSED, True)


def test_objection_that_was_taken_back_silently_is_gone() -> None:
    item = handed_in(1, pull=passed(1, people=Verdict.FAILED))

    after, _ = step(watched(item), saw_review(item, Verdict.UNKNOWN))

    assert pull_of(after).people is Verdict.UNKNOWN


def test_approval_by_command_outweighs_an_objection_on_the_forge() -> None:
    item = handed_in(1, pull=passed(1, people=Verdict.FAILED), approved_head=HEAD)

    assert stage_of(item, AUTO.policy) is Stage.MERGE


def test_approval_of_a_person_on_the_forge_satisfies_the_review() -> None:
    item = handed_in(1, pull=passed(1, review=Verdict.UNKNOWN, people=Verdict.PASSED))

    assert stage_of(item, AUTO.policy) is Stage.MERGE


def test_approval_of_before_does_not_take_back_what_was_said_since() -> None:
    item = handed_in(1, pull=make_pull(1, people=Verdict.PASSED), fixes=(fix_request("review"),))

    after, _ = step(watched(item), saw_review(item, Verdict.PASSED))

    assert causes(after) == ["review"]


@pytest.mark.parametrize(
    ("status", "is_heard", "merges"),
    [
        (WatchStatus.ACTIVE, False, 0),
        (WatchStatus.ACTIVE, True, 1),
        (WatchStatus.SNOOZED, False, 1),
    ],
)
def test_nothing_is_merged_before_people_were_heard(status: WatchStatus, is_heard: bool, merges: int) -> None:  # noqa: FBT001  a parameter of the table
    item = handed_in(1, pull=passed(1, is_heard=is_heard))
    snapshot = make_snapshot(item, AT_WORK, make_watch(item, REVIEWS, status=status), mission=AUTO)

    _, decision = step(snapshot)

    assert len([want for want in decision.wants if isinstance(want, Merge)]) == merges


def test_person_who_objects_while_the_mission_is_stopped_is_heard() -> None:
    item = handed_in(1, pull=passed())

    after, _ = step(watched(item, mission=STOPPED), objects(item, "a"))

    assert causes(after) == ["review"]
    assert only_watch(after, CHECKS).next_due_at == only_watch(watched(item), CHECKS).next_due_at
