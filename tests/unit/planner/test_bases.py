"""Only into a base that somebody chose; what was checked for one base says nothing of another."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.planner.world import (
    AT_WORK,
    AUTO,
    HEAD,
    NEXT_HEAD,
    all_watches,
    decided,
    handed_in,
    later,
    make_draft,
    make_mission,
    make_snapshot,
    passed,
    pull_of,
    said,
    saw_checks,
    saw_merging,
    step,
    watched,
)

from tinytown.domain.forge import ForgeTraits
from tinytown.domain.pull import Known, Updated
from tinytown.domain.workitem import PullState, Verdict, WorkItem, WorkStatus
from tinytown.planner import directives, reopen
from tinytown.planner.reasons import reasons
from tinytown.planner.tick import Decision
from tinytown.planner.wants import LookAt, Merge, Outcome, Refused, Retarget, Retargeted, UpdateBranch

STACKING = msgspec.structs.replace(AUTO, traits=ForgeTraits(stacks=True))
STRAY = handed_in(1, pull=passed(1, base="release"))
HELD = "its pull request goes into release, which nobody chose here; have it go into main, or: tt mission approve 1"
LOWER = handed_in(1, status=WorkStatus.DONE, pull=passed(1, merged_as=NEXT_HEAD))
UPPER = handed_in(2, needs=(1,), pull=passed(2, base="tt/1-thing"))


def merges(decision: Decision) -> list[str]:
    return [want.url for want in decision.wants if isinstance(want, Merge)]


def updates(decision: Decision) -> list[Known]:
    return [want.known for want in decision.wants if isinstance(want, UpdateBranch)]


def retargeted(item: WorkItem, base: str = "main") -> Outcome:
    return Outcome(want=Retarget(item_id=item.id, url="acme/shop/pull/2", base=base), found=Retargeted(base=base))


def updated(known: Known, head: str) -> Outcome:
    return Outcome(want=UpdateBranch(item_id=UPPER.id, url="acme/shop/pull/2", known=known), found=Updated(head=head))


@pytest.mark.parametrize("mission", [AUTO, STACKING])
@pytest.mark.parametrize("fields", [{}, {"mergeable": Verdict.PENDING, "is_behind": True}])
def test_nothing_goes_into_a_base_that_nobody_chose(mission: object, fields: dict[str, object]) -> None:
    item = handed_in(1, pull=msgspec.structs.replace(passed(1, base="release"), **fields))

    after, decision = step(watched(item, mission=mission))

    assert (merges(decision), updates(decision)) == ([], [])
    assert after.items[item.id].hold == HELD


def test_without_auto_merge_the_base_is_a_matter_of_who_merges() -> None:
    after, _ = step(watched(STRAY))

    assert after.items[STRAY.id].status is WorkStatus.DONE


def test_person_who_approves_it_accepts_the_base() -> None:
    draft = make_draft(handed_in(1, pull=passed(1, base="release"), hold=HELD), mission=AUTO)

    directives.approve(draft, draft.items[STRAY.id])
    decision = decided(draft.items[STRAY.id], AT_WORK, mission=AUTO)

    assert merges(decision) == ["acme/shop/pull/1"]


def test_approval_of_something_else_accepts_no_base() -> None:
    draft = make_draft(STRAY, mission=AUTO)

    directives.approve(draft, STRAY)

    assert merges(decided(draft.items[STRAY.id], AT_WORK, mission=AUTO)) == []


def test_person_who_resumes_is_asked_again() -> None:
    draft = make_draft(handed_in(1, pull=passed(1, base="release"), hold=HELD), mission=AUTO)

    directives.resume(draft)

    after, _ = step(watched(draft.items[STRAY.id], mission=AUTO))
    assert after.items[STRAY.id].hold == HELD


def test_base_that_is_set_back_lets_it_go_on() -> None:
    item = handed_in(1, pull=passed(1, base="release"), hold=HELD)

    after, decision = step(watched(item, mission=AUTO), saw_merging(item, base="main"))

    assert after.items[item.id].hold is None
    assert "item.resumed" in said(decision.changes)
    assert merges(decision) == []  # what was checked for the other base says nothing of this one


def test_another_hold_stays_when_the_base_changes() -> None:
    item = handed_in(1, pull=passed(1, base="release"), hold="look at it")

    after, _ = step(watched(item, mission=AUTO), saw_merging(item, base="main"))

    assert after.items[item.id].hold == "look at it"


# What was checked for another base


def test_stacked_one_is_brought_up_to_date_with_its_new_base_and_checked_for_that() -> None:
    snapshot = make_snapshot(LOWER, UPPER, AT_WORK, *all_watches(UPPER), mission=STACKING)

    after, decision = step(snapshot, retargeted(UPPER), now=later(9))

    pull = pull_of(after, 2)
    assert (pull.base, pull.base_since, pull.checks, pull.review) == ("main", later(9), Verdict.UNKNOWN, Verdict.PASSED)
    (known,) = updates(decision)
    assert (known.head, known.base, known.base_since) == (HEAD, "main", later(9))
    assert merges(decision) == []


def test_checks_that_are_not_seen_after_a_new_base_merge_nothing() -> None:
    snapshot = make_snapshot(LOWER, UPPER, AT_WORK, *all_watches(UPPER), mission=STACKING)
    snapshot, decision = step(snapshot, retargeted(UPPER))
    (look,) = [one for one in decision.wants if isinstance(one, LookAt) and one.kind.value == "pr_checks"]

    refused = Outcome(want=look, found=Refused(reason="502", is_temporary=True))
    same = updated(updates(decision)[0], HEAD)
    after, decision = step(snapshot, refused, same, saw_merging(UPPER, base="main"))

    assert merges(decision) == []
    assert not pull_of(after, 2).is_owed_update


def test_it_is_updated_once_and_merged_when_that_is_checked() -> None:
    snapshot = make_snapshot(LOWER, UPPER, AT_WORK, *all_watches(UPPER), mission=STACKING)
    snapshot, decision = step(snapshot, retargeted(UPPER))
    snapshot, decision = step(snapshot, updated(updates(decision)[0], NEXT_HEAD))
    assert updates(decision) == []

    upper = snapshot.items[UPPER.id]
    seen = (saw_checks(upper, Verdict.PASSED, head=NEXT_HEAD), saw_merging(upper, head=NEXT_HEAD, base="main"))
    _, decision = step(snapshot, *seen)

    assert merges(decision) == ["acme/shop/pull/2"]


def test_update_that_is_owed_waits_for_nobody_else() -> None:
    first = handed_in(3, pull=passed(3, checks=Verdict.PENDING, opened_at=later(-60)))
    upper = handed_in(2, pull=passed(2, checks=Verdict.UNKNOWN, is_owed_update=True))

    decision = decided(first, upper, AT_WORK, mission=STACKING)

    assert len(updates(decision)) == 1
    told = reasons(make_draft(first, upper, mission=STACKING), upper)
    assert told == ("PR #2 is behind main and is brought up to date",)


def test_one_that_goes_into_another_ones_branch_gets_that_merged_into_it_too() -> None:
    lower = handed_in(1, pull=passed(1, checks=Verdict.PENDING))
    upper = handed_in(2, needs=(1,), pull=passed(2, base="tt/1-thing", is_owed_update=True))

    assert [known.base for known in updates(decided(lower, upper, AT_WORK, mission=STACKING))] == ["tt/1-thing"]


def test_update_is_owed_until_it_is_made_also_when_somebody_pushes() -> None:
    item = handed_in(1, pull=passed(1, is_owed_update=True, base_since=later(5)))

    after, decision = step(watched(item, mission=STACKING), saw_merging(item, head=NEXT_HEAD))

    assert pull_of(after).is_owed_update
    assert [known.head for known in updates(decision)] == [NEXT_HEAD]


def test_base_that_changed_at_the_forge_is_checked_anew() -> None:
    item = handed_in(1, pull=passed(1, base="tt/0-before"))

    after, decision = step(
        watched(item, mission=STACKING), saw_checks(item, Verdict.PASSED), saw_merging(item, base="main")
    )

    assert (pull_of(after).base, pull_of(after).checks) == ("main", Verdict.UNKNOWN)
    assert merges(decision) == []


def test_done_one_is_brought_up_to_date_when_a_person_wants_it_merged() -> None:
    mission = make_mission(traits=ForgeTraits(stacks=True))
    upper = handed_in(2, needs=(1,), status=WorkStatus.DONE, pull=passed(2, base="tt/1-thing"))
    after, _ = step(make_snapshot(LOWER, upper, AT_WORK, *all_watches(upper), mission=mission), retargeted(upper))
    assert pull_of(after, 2) == passed(2, base="main", base_since=later(0), is_owed_update=True)

    draft = make_draft(*after.items.values(), AT_WORK, mission=mission)
    reopen.merge(draft, draft.items[upper.id])

    assert len(updates(decided(*draft.items.values(), AT_WORK, mission=mission))) == 1


# How often


def test_busy_base_asks_for_a_person_after_ten_updates() -> None:
    pull = passed(1, mergeable=Verdict.PENDING, is_behind=True)
    snapshot, count = watched(handed_in(1, pull=pull), mission=AUTO), 0
    for n in range(40):
        item = snapshot.items[STRAY.id]
        head = pull_of(snapshot).head
        seen = (
            saw_checks(item, Verdict.PASSED, head=head),
            saw_merging(item, Verdict.PENDING, head=head, is_behind=True),
        )
        snapshot, decision = step(snapshot, *seen, now=later(700 * n))
        for known in updates(decision):
            count += 1
            want = UpdateBranch(item_id=item.id, url="acme/shop/pull/1", known=known)
            snapshot, _ = step(snapshot, Outcome(want=want, found=Updated(head=f"{n:040x}")), now=later(700 * n + 1))

    held = snapshot.items[STRAY.id].hold
    assert count == 10
    assert held == (
        "its branch was brought up to date 10 times, and each time something else was merged into main first;"
        " a merge queue for that would help; to go on: tt mission resume 00000000"
    )


def test_person_who_resumes_gives_it_its_updates_anew() -> None:
    pull = passed(1, mergeable=Verdict.PENDING, is_behind=True, updates=10)
    draft = make_draft(handed_in(1, pull=pull, hold="updated ten times"), mission=AUTO)

    directives.resume(draft)

    assert len(updates(decided(draft.items[STRAY.id], AT_WORK, mission=AUTO))) == 1


def test_new_commit_of_somebody_begins_to_count_anew() -> None:
    item = handed_in(1, pull=passed(1, updates=9))

    after, _ = step(watched(item, mission=AUTO), saw_merging(item, head=NEXT_HEAD))

    assert pull_of(after).updates == 0
    assert isinstance(pull_of(after), PullState)
