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
    agent_id,
    all_watches,
    applied,
    causes,
    changed,
    fix_request,
    handed_in,
    in_review,
    in_work,
    looked,
    make_agent,
    make_mission,
    make_pull,
    make_snapshot,
    make_task,
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

from tinytown.domain.pull import CheckRun, ChecksSeen, MergeabilitySeen, ReviewSeen
from tinytown.domain.task import TaskKind
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import Verdict, WorkItem, WorkStatus
from tinytown.planner import directives
from tinytown.planner.draft import Draft
from tinytown.planner.tick import decide
from tinytown.planner.wants import LookAt, Outcome

# Checks


@pytest.mark.parametrize("verdict", [Verdict.PENDING, Verdict.PASSED, Verdict.UNKNOWN])
def test_checks_are_remembered_for_the_head_commit(verdict: Verdict) -> None:
    item = handed_in(1)

    after, _ = step(watched(item), saw_checks(item, verdict))

    assert pull_of(after).checks is verdict
    assert causes(after) == []


def test_failing_check_becomes_a_fix_with_the_end_of_its_output() -> None:
    item = handed_in(1)
    runs = (
        CheckRun(name="tests", verdict=Verdict.FAILED, summary="exit code 1", output="E assert\n"),
        CheckRun(name="style", verdict=Verdict.FAILED, output="long line"),
        CheckRun(name="types", verdict=Verdict.PASSED, output="fine"),
    )
    seen = looked(item, make_watch(item, CHECKS), ChecksSeen(head=HEAD, verdict=Verdict.FAILED, runs=runs))

    after, decision = step(watched(item), seen)

    (fix,) = after.items[item.id].fixes
    assert fix.text == (
        f"These checks failed at commit {HEAD}:\n\n### tests: exit code 1\n\nE assert\n\n### style: failed\n\nlong line"
    )
    assert only_watch(after, CHECKS).finding == "CI check: failing (tests, style)"
    assert {"checks.failed", "fix.requested"} <= set(said(decision.changes))


def test_same_failure_seen_again_is_asked_to_be_mended_once() -> None:
    item = handed_in(1)
    first, _ = step(watched(item), saw_checks(item, Verdict.FAILED))

    again, decision = step(first, saw_checks(item, Verdict.FAILED))

    assert causes(again) == ["checks"]
    assert "fix.requested" not in said(decision.changes)


def test_failure_that_reads_otherwise_now_takes_the_place_of_the_earlier_one() -> None:
    item = handed_in(1)
    first, _ = step(watched(item), saw_checks(item, Verdict.FAILED, output="old"))

    again, _ = step(first, saw_checks(item, Verdict.FAILED, output="new"))

    assert [fix.text.endswith("new") for fix in again.items[item.id].fixes] == [True]


def test_two_causes_are_asked_to_be_mended_in_one_task() -> None:
    item = handed_in(1)
    outcomes = (saw_checks(item, Verdict.FAILED), saw_merging(item, Verdict.FAILED, reason="a.py"))

    decision = decide(make_snapshot(item, make_agent("backend"), *all_watches(item)), outcomes, NOW)

    (given,) = decision.changes.given
    assert (given.spec.kind, given.spec.causes) == (TaskKind.FIX, ("checks", "conflict"))


def test_failure_that_is_being_mended_is_not_asked_to_be_mended_again() -> None:
    request = fix_request("checks")
    item = in_work(1, submitted=HEAD, pull=make_pull(checks=Verdict.FAILED), fixes=(request,))
    task = make_task(item, kind=TaskKind.FIX, causes=("checks",))

    after, _ = step(make_snapshot(item, task, AT_WORK, *all_watches(item)), saw_checks(item, Verdict.FAILED))

    assert after.items[item.id].fixes == (request,)


def test_other_failure_seen_while_one_is_mended_waits_for_the_new_head() -> None:
    item = in_work(1, submitted=HEAD, pull=make_pull(), fixes=(fix_request("checks"),))
    task = make_task(item, kind=TaskKind.FIX, causes=("checks",))

    after, decision = step(make_snapshot(item, task, AT_WORK, *all_watches(item)), saw_merging(item, Verdict.FAILED))

    assert causes(after) == ["checks", "conflict"]
    assert decision.changes.given == ()


def test_failure_during_other_work_of_the_item_is_asked_to_be_mended() -> None:
    item = in_work(1, submitted=HEAD, pull=make_pull())

    after, _ = step(make_snapshot(item, make_task(item), AT_WORK, *all_watches(item)), saw_checks(item, Verdict.FAILED))

    assert causes(after) == ["checks"]


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.PENDING])
def test_checks_that_pass_or_run_again_need_no_mending(verdict: Verdict) -> None:
    item = handed_in(1, pull=make_pull(checks=Verdict.FAILED), fixes=(fix_request("checks"), fix_request("conflict")))

    after, decision = step(watched(item), saw_checks(item, verdict))

    assert causes(after) == ["conflict"]
    assert "fix.withdrawn" in said(decision.changes)


def test_commit_from_elsewhere_starts_every_verdict_anew() -> None:
    item = handed_in(1, pull=passed(1, mergeable=Verdict.PENDING))

    after, decision = step(watched(item), saw_checks(item, Verdict.PENDING, head=NEXT_HEAD))

    assert pull_of(after) == make_pull(1, head=NEXT_HEAD, checks=Verdict.PENDING)
    assert after.items[item.id].submitted == NEXT_HEAD
    assert "pull.moved" in said(decision.changes)
    assert {want.kind for want in decision.wants if isinstance(want, LookAt)} == {CHECKS, REVIEWS, MERGING}


def test_commit_from_elsewhere_ends_the_review_of_the_earlier_one() -> None:
    item = in_review(1)
    review = make_task(item, "reviewer", TaskKind.REVIEW)
    snapshot = make_snapshot(item, review, AT_WORK, make_agent("reviewer", open_tasks=1), *all_watches(item))

    after, decision = step(snapshot, saw_checks(item, Verdict.PENDING, head=NEXT_HEAD))

    assert [one.task_id for one in decision.changes.cancelled] == [review.id]
    assert after.items[item.id].review_task_id is None


# Checks that cannot be run


UNRUNNABLE = "its checks cannot be run (check tests: no such program); mend that, then: tt mission resume 00000000"


def saw_trouble(item: WorkItem, verdict: Verdict = Verdict.UNKNOWN) -> Outcome:
    runs = (CheckRun(name="tests", verdict=verdict, trouble="no such program"), CheckRun(name="x", verdict=verdict))
    return looked(item, make_watch(item, CHECKS), ChecksSeen(head=HEAD, verdict=verdict, runs=runs))


def test_checks_that_cannot_be_run_ask_for_a_person_not_for_the_agent() -> None:
    item = handed_in(1)

    after, decision = step(watched(item), saw_trouble(item))

    assert after.items[item.id].hold == UNRUNNABLE
    assert causes(after) == []
    assert pull_of(after).checks_trouble == "check tests: no such program"
    assert len(decision.changes.messages) == 1


def test_check_that_failed_is_mended_though_another_could_not_be_run() -> None:
    item = handed_in(1)

    after, _ = step(watched(item), saw_trouble(item, Verdict.FAILED))

    assert causes(after) == ["checks"]
    assert after.items[item.id].hold is None


def test_checks_that_could_not_be_run_are_run_again_when_a_person_says_so() -> None:
    item = handed_in(1)
    held, _ = step(watched(item), saw_trouble(item))
    due = make_snapshot(*held.items.values(), AT_WORK, *all_watches(item, next_due_at=NOW))
    draft = Draft(due, NOW)
    directives.resume(draft)

    waiting, resumed = decide(due, (), NOW), decide(applied(due, draft.changes()), (), NOW)

    assert [want.is_again for want in waiting.wants if isinstance(want, LookAt)] == [False, False, False]
    assert [want.kind for want in resumed.wants if isinstance(want, LookAt) and want.is_again] == [CHECKS]


@pytest.mark.parametrize("verdict", [Verdict.PENDING, Verdict.PASSED])
def test_checks_that_can_be_run_again_lift_the_hold_by_themselves(verdict: Verdict) -> None:
    item = handed_in(1)
    held, _ = step(watched(item), saw_trouble(item))

    after, decision = step(held, saw_checks(item, verdict))

    assert (after.items[item.id].hold, pull_of(after).checks_trouble) == (None, "")
    assert "item.resumed" in said(decision.changes)


def test_checks_that_can_be_run_again_lift_no_other_hold() -> None:
    item = handed_in(1, hold="its review failed 3 times", pull=make_pull(checks_trouble="no such program"))

    after, _ = step(watched(item), saw_checks(item, Verdict.PASSED))

    assert after.items[item.id].hold == "its review failed 3 times"


def test_new_commit_forgets_that_the_checks_of_the_old_could_not_be_run() -> None:
    item = handed_in(1, pull=make_pull(checks_trouble="no such program"))

    after, _ = step(watched(item), saw_merging(item, head=NEXT_HEAD))

    assert pull_of(after).checks_trouble == ""


# Merging


def test_conflict_becomes_a_fix_that_says_what_to_do() -> None:
    item = handed_in(1)

    after, _ = step(watched(item), saw_merging(item, Verdict.FAILED, reason="conflict in a.py"))

    (fix,) = after.items[item.id].fixes
    assert fix.cause == "conflict"
    assert fix.text.startswith("The branch no longer merges into main: conflict in a.py\n\nMerge main into your branch")
    assert only_watch(after, MERGING).finding == "mergeability: failing (conflict in a.py)"


def test_conflict_that_went_away_needs_no_mending() -> None:
    item = handed_in(1, fixes=(fix_request("conflict"),))

    after, _ = step(watched(item), saw_merging(item))

    assert causes(after) == []
    assert pull_of(after).mergeable is Verdict.PASSED


def test_mergeability_that_is_not_known_yet_leaves_a_fix_asked_for() -> None:
    item = handed_in(1, fixes=(fix_request("conflict"),))

    after, _ = step(watched(item), saw_merging(item, Verdict.PENDING))

    assert causes(after) == ["conflict"]


def test_pull_request_merged_by_somebody_finishes_its_item() -> None:
    item = handed_in(1)

    after, decision = step(watched(item), saw_merging(item, merged_as=NEXT_HEAD))

    assert after.items[item.id].status is WorkStatus.DONE
    assert after.items[item.id].artifact_refs == (NEXT_HEAD,)
    assert only_watch(after, MERGING).finding == "merged"
    assert {"pull.merged", "item.done"} <= set(said(decision.changes))


def test_what_a_person_should_know_of_a_merge_is_said_also_when_it_was_only_seen() -> None:
    item = handed_in(1)

    _, decision = step(watched(item), saw_merging(item, merged_as=NEXT_HEAD, notice="a checkout was left behind"))

    assert [event.text for event in decision.changes.events if event.type == "merge.notice"] == [
        "a checkout was left behind"
    ]


def test_merge_by_somebody_overrides_hold_fixes_and_review() -> None:
    item = in_review(1, hold="not mended after 5 rounds", fixes=(fix_request("checks"),))
    review = make_task(item, "reviewer", TaskKind.REVIEW)
    snapshot = make_snapshot(item, review, AT_WORK, make_agent("reviewer", open_tasks=1), *all_watches(item))

    after, decision = step(snapshot, saw_merging(item, merged_as=NEXT_HEAD))

    assert after.items[item.id].status is WorkStatus.DONE
    assert [one.task_id for one in decision.changes.cancelled] == [review.id]


def test_merge_by_somebody_ends_the_mending() -> None:
    item = in_work(1, submitted=HEAD, pull=make_pull(), fixes=(fix_request("checks"),))
    task = make_task(item, kind=TaskKind.FIX, causes=("checks",))

    after, decision = step(
        make_snapshot(item, task, AT_WORK, *all_watches(item)), saw_merging(item, merged_as=NEXT_HEAD)
    )

    assert after.items[item.id].status is WorkStatus.DONE
    assert [one.task_id for one in decision.changes.cancelled] == [task.id]


def test_merge_that_is_known_already_changes_nothing_of_the_pull_request() -> None:
    item = handed_in(1, pull=make_pull(merged_as=HEAD))
    snapshot = watched(item, mission=make_mission(is_paused=True))

    after, _ = step(snapshot, saw_merging(item, merged_as=NEXT_HEAD))

    assert pull_of(after).merged_as == HEAD


def test_pull_request_closed_by_somebody_asks_for_a_person() -> None:
    item = handed_in(1, pull=passed())

    after, _ = step(watched(item), saw_merging(item, is_open=False))

    assert after.items[item.id].hold == (
        "its pull request was closed without merging; reopen it, or: tt mission approve 1"
    )
    assert (pull_of(after).is_open, pull_of(after).mergeable) == (False, Verdict.UNKNOWN)


def test_pull_request_seen_closed_again_is_said_once() -> None:
    item = handed_in(1)
    once, _ = step(watched(item), saw_merging(item, is_open=False))

    _, decision = step(once, saw_merging(item, is_open=False))

    assert "item.held" not in said(decision.changes)


def test_pull_request_that_was_reopened_needs_nobody_any_more() -> None:
    item = handed_in(1)
    closed, _ = step(watched(item), saw_merging(item, is_open=False))

    after, decision = step(closed, saw_merging(item))

    assert (after.items[item.id].hold, pull_of(after).is_open) == (None, True)
    assert "item.resumed" in said(decision.changes)


def test_pull_request_that_was_reopened_counts_as_open() -> None:
    item = handed_in(1, pull=make_pull(is_open=False))

    after, _ = step(watched(item), saw_merging(item, Verdict.PENDING))

    assert pull_of(after).is_open


# Reviews and comments


def test_approval_by_a_person_counts_as_the_review() -> None:
    item = handed_in(1, pull=make_pull(checks=Verdict.PASSED), fixes=(fix_request("review"),))

    after, decision = step(watched(item), saw_review(item, Verdict.PASSED))

    assert pull_of(after).people is Verdict.PASSED
    assert causes(after) == []
    assert "review.passed" in said(decision.changes)
    assert only_watch(after, REVIEWS).finding == "comments: passing (by ann)"


def test_approval_seen_again_is_said_once() -> None:
    item = handed_in(1, pull=make_pull(people=Verdict.PASSED))

    _, decision = step(watched(item), saw_review(item, Verdict.PASSED))

    assert "review.passed" not in said(decision.changes)


def test_objection_by_a_person_becomes_a_fix() -> None:
    item = handed_in(1)

    after, _ = step(watched(item), saw_review(item, Verdict.FAILED))

    (fix,) = after.items[item.id].fixes
    assert (fix.cause, fix.text) == ("review", "ann objects:\n\ntoo slow")
    assert pull_of(after).people is Verdict.FAILED


def test_objection_without_a_name_is_somebodys() -> None:
    item = handed_in(1)
    seen = ReviewSeen(head=HEAD, verdict=Verdict.FAILED, text="too slow")

    after, _ = step(watched(item), looked(item, make_watch(item, REVIEWS), seen))

    assert after.items[item.id].fixes[0].text == "somebody objects:\n\ntoo slow"


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.PENDING])
def test_silence_is_neither_approval_nor_objection(verdict: Verdict) -> None:
    item = handed_in(1, pull=make_pull(review=Verdict.PASSED), fixes=(fix_request("review"),))

    after, _ = step(watched(item), saw_review(item, verdict))

    assert pull_of(after).review is Verdict.PASSED
    assert causes(after) == ["review"]


def test_objection_on_the_forge_does_not_undo_a_persons_approval_here() -> None:
    item = handed_in(1, approved_head=HEAD)

    after, _ = step(watched(item), saw_review(item, Verdict.FAILED))

    assert causes(after) == []


def test_objection_of_a_bot_becomes_a_fix_but_no_review() -> None:
    item = handed_in(1)
    bot = make_watch(item, WatchKind.BUGBOT_COMMENTS)

    after, _ = step(make_snapshot(item, AT_WORK, bot), saw_review(item, Verdict.FAILED, kind=WatchKind.BUGBOT_COMMENTS))

    assert causes(after) == ["comments"]
    assert pull_of(after).review is Verdict.UNKNOWN


def test_bot_that_is_content_approves_nothing_but_withdraws_its_objection() -> None:
    item = handed_in(1, fixes=(fix_request("comments"),))
    bot = make_watch(item, WatchKind.BUGBOT_COMMENTS)

    after, _ = step(make_snapshot(item, AT_WORK, bot), saw_review(item, Verdict.PASSED, kind=WatchKind.BUGBOT_COMMENTS))

    assert causes(after) == []
    assert pull_of(after).review is Verdict.UNKNOWN


def test_watch_of_another_kind_is_not_touched_by_a_look() -> None:
    item = handed_in(1)
    snapshot = watched(item)

    after = applied(snapshot, decide(snapshot, (saw_checks(item, Verdict.PENDING),), NOW).changes)

    assert only_watch(after, MERGING) == only_watch(snapshot, MERGING)


def test_mission_is_about_the_pull_requests_of_all_its_items() -> None:
    first, second = handed_in(1), handed_in(2, assigned_to=agent_id("tester"))
    snapshot = make_snapshot(first, second, AT_WORK, *all_watches(first), *all_watches(second))

    after, _ = step(snapshot, saw_checks(first, Verdict.FAILED), saw_checks(second, Verdict.PASSED))

    assert (causes(after, 1), causes(after, 2)) == (["checks"], [])
    assert changed(decide(snapshot, (saw_checks(second, Verdict.PASSED),), NOW), 2).pull == msgspec.structs.replace(
        make_pull(2), checks=Verdict.PASSED
    )


def test_mergeability_of_a_moved_head_is_of_that_head() -> None:
    item = handed_in(1, pull=passed())
    seen = MergeabilitySeen(head=NEXT_HEAD, verdict=Verdict.PASSED)

    after, _ = step(watched(item), looked(item, make_watch(item, MERGING), seen))

    assert pull_of(after) == make_pull(1, head=NEXT_HEAD, mergeable=Verdict.PASSED)


def test_result_seen_before_a_person_wanted_the_checks_run_again_does_not_count() -> None:
    item = handed_in(1, pull=make_pull(is_checked_again=True))

    due = make_snapshot(item, AT_WORK, *all_watches(item, next_due_at=NOW))

    after, decision = step(due, saw_checks(item, Verdict.FAILED))

    assert (pull_of(after).checks, after.items[item.id].fixes) == (Verdict.UNKNOWN, ())
    assert [want.kind for want in decision.wants if isinstance(want, LookAt) and want.is_again] == [CHECKS]


def test_checks_run_again_count_and_are_not_run_once_more() -> None:
    item = handed_in(1, pull=make_pull(is_checked_again=True))
    failed = saw_checks(item, Verdict.FAILED)
    assert isinstance(failed.want, LookAt)
    again = msgspec.structs.replace(failed, want=msgspec.structs.replace(failed.want, is_again=True))

    after, _ = step(watched(item), again)

    assert (pull_of(after).checks, pull_of(after).is_checked_again) == (Verdict.FAILED, False)
    assert [fix.cause for fix in after.items[item.id].fixes] == ["checks"]
