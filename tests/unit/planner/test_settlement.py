from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.planner.world import (
    AT_WORK,
    HEAD,
    NEXT_HEAD,
    NOW,
    agent_id,
    all_watches,
    changed,
    decided,
    ended,
    fix_request,
    handed_in,
    in_review,
    in_work,
    later,
    make_agent,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    make_task,
    passed,
    reported,
    review_of,
    said,
    saw_merging,
    step,
)

from tinytown.domain.mission import MissionState
from tinytown.domain.task import Report, Task, TaskKind, TaskState
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner.wants import LookAt, Outcome, Refused

# Runs


def test_item_runs_when_the_run_of_its_task_has_begun() -> None:
    item = in_work(1, status=WorkStatus.ASSIGNED)

    decision = ended(item, make_task(item))

    assert changed(decision, 1).status is WorkStatus.RUNNING
    assert said(decision.changes) == ["item.running"]


@pytest.mark.parametrize(("reason", "told"), [("", ""), ("its host stopped", ": its host stopped")])
def test_item_is_only_assigned_when_the_run_ended_without_a_result(reason: str, told: str) -> None:
    item = in_work(1)

    decision = ended(item, make_task(item, state=TaskState.ASSIGNED, reason=reason))

    assert changed(decision, 1).status is WorkStatus.ASSIGNED
    assert decision.changes.events[0].text == f"the run of #1 ended without a result{told}"


@pytest.mark.parametrize(
    ("status", "state"), [(WorkStatus.RUNNING, TaskState.RUNNING), (WorkStatus.ASSIGNED, TaskState.ASSIGNED)]
)
def test_item_whose_task_goes_on_stays_as_it_is(status: WorkStatus, state: TaskState) -> None:
    item = in_work(1, status=status)

    assert ended(item, make_task(item, state=state)).changes.items == ()


def test_review_under_way_moves_nothing() -> None:
    item = in_review(1)

    assert ended(item, review_of(item)).changes.items == ()


# Work handed in


def test_work_handed_in_is_blocked_on_its_pull_request() -> None:
    item = in_work(1, failed_attempts=2, history=("x: y",))
    task = reported(make_task(item), head=HEAD, result="made it", branch="tt/1-really")

    decision = ended(item, task)

    after = changed(decision, 1)
    assert (after.status, after.submitted, after.branch) == (WorkStatus.BLOCKED, HEAD, "tt/1-really")
    assert (after.task_id, after.work_task_id, after.artifact_refs) == (None, task.id, (HEAD,))
    assert (after.failed_attempts, after.history) == (0, ())
    assert decision.changes.settled == (task.id,)
    assert "item.submitted" in said(decision.changes)


def test_task_that_ended_before_its_run_was_noticed_counts_all_the_same() -> None:
    item = in_work(1, status=WorkStatus.ASSIGNED)

    assert changed(ended(item, reported(make_task(item), head=HEAD)), 1).submitted == HEAD


def test_pull_request_that_the_agent_named_is_remembered() -> None:
    item = in_work(1)
    text = "see (https://github.com/acme/shop/pull/12) for it"

    assert changed(ended(item, reported(make_task(item), head=HEAD, result=text)), 1).named_pull == (
        "https://github.com/acme/shop/pull/12"
    )


def test_work_reported_without_a_commit_is_held_for_a_person() -> None:
    item = in_work(1)

    after = changed(ended(item, reported(make_task(item), result="done")), 1)

    assert after.status is WorkStatus.BLOCKED
    assert after.hold == "reported as done, but its branch has no commit; accept it with: tt mission approve 1"


def test_item_without_a_branch_is_done_with_an_answer() -> None:
    item = in_work(1, kind=WorkKind.REVIEW)

    decision = ended(item, reported(make_task(item), result="looks good"))

    assert changed(decision, 1).status is WorkStatus.DONE
    assert "item.done" in said(decision.changes)


def test_parent_whose_parts_were_all_there_was_to_do_is_done_with_an_answer() -> None:
    item = in_work(1, is_parent=True)

    assert changed(ended(item, reported(make_task(item), result="all there")), 1).status is WorkStatus.DONE
    silent = changed(ended(item, reported(make_task(item), result=" ")), 1)
    assert (silent.status, silent.pull) == (WorkStatus.BLOCKED, None)
    assert silent.hold == "reported as done without an answer; accept it with: tt mission approve 1"


def test_parent_that_had_something_left_to_do_goes_the_usual_way() -> None:
    item = in_work(1, is_parent=True)

    after = changed(ended(item, reported(make_task(item), head=HEAD, result="the rest")), 1)
    assert (after.status, after.submitted) == (WorkStatus.BLOCKED, HEAD)


def test_item_without_a_branch_is_held_without_an_answer() -> None:
    item = in_work(1, kind=WorkKind.REVIEW)

    after = changed(ended(item, reported(make_task(item), result="  ")), 1)

    assert (after.status, after.hold) == (
        WorkStatus.BLOCKED,
        "reported as done without an answer; accept it with: tt mission approve 1",
    )


def fixing(*causes: str, kind: TaskKind = TaskKind.FIX, **fields: Any) -> tuple[WorkItem, Task]:
    item = in_work(1, submitted=HEAD, pull=passed(1, opened_at=NOW), **fields)
    return item, make_task(item, kind=kind, causes=causes)


def test_approval_of_one_commit_does_not_cover_the_next() -> None:
    item, task = fixing("checks", fixes=(fix_request("checks"),))

    pull = changed(ended(item, reported(task, head=NEXT_HEAD)), 1).pull

    assert pull == make_pull(1, head=NEXT_HEAD)


def test_new_head_answers_every_request_but_a_review_that_came_meanwhile() -> None:
    asked = (fix_request("checks"), fix_request("conflict"), fix_request("review"))
    item, task = fixing("checks", fixes=asked)

    after = changed(ended(item, reported(task, head=NEXT_HEAD)), 1)

    assert [fix.cause for fix in after.fixes] == ["review"]


def test_new_head_answers_the_review_it_was_made_for() -> None:
    item, task = fixing("review", fixes=(fix_request("review"),))

    assert changed(ended(item, reported(task, head=NEXT_HEAD)), 1).fixes == ()


def test_fix_without_a_new_commit_has_its_commit_looked_at_again() -> None:
    item, task = fixing("checks", fixes=(fix_request("checks"),))

    after = changed(ended(item, reported(task)), 1)

    assert (after.submitted, after.fixes) == (HEAD, ())
    assert after.pull is not None
    assert after.pull.checks is Verdict.UNKNOWN


def test_new_head_is_looked_at_at_once() -> None:
    item, task = fixing("checks", fixes=(fix_request("checks"),))

    decision = ended(item, reported(task, head=NEXT_HEAD), *all_watches(item))

    assert [want.kind for want in decision.wants if isinstance(want, LookAt)] == [
        WatchKind.PR_CHECKS,
        WatchKind.REVIEW_COMMENTS,
        WatchKind.MERGEABILITY,
    ]


def test_new_head_ends_the_review_of_an_earlier_one() -> None:
    item, task = fixing("checks", fixes=(fix_request("checks"),), review_task_id="0" * 36)
    review = review_of(item)

    decision = ended(item, reported(task, head=NEXT_HEAD), review)

    assert [one.task_id for one in decision.changes.cancelled] == [review.id]
    assert changed(decision, 1).review_task_id is None


def test_review_of_the_same_head_goes_on_when_a_fix_brought_no_commit() -> None:
    item, task = fixing("checks", fixes=(fix_request("checks"),), review_task_id="0" * 36)

    decision = ended(item, reported(task), review_of(item))

    assert decision.changes.cancelled == ()


# Work failed


def test_failed_work_is_tried_again_after_a_pause_with_the_reason() -> None:
    item = in_work(1)

    decision = ended(item, reported(make_task(item), Report.FAILED, reason="no compiler"))

    after = changed(decision, 1)
    assert (after.status, after.failed_attempts, after.retry_at) == (WorkStatus.READY, 1, later(10))
    assert after.history == ("backend: no compiler",)
    assert "item.failed" in said(decision.changes)


def test_pauses_between_tries_grow() -> None:
    item = in_work(1, failed_attempts=1)

    after = changed(ended(item, reported(make_task(item), Report.FAILED)), 1)

    assert (after.retry_at, after.history) == (later(20), ("backend: no reason given",))


def test_work_that_failed_too_often_is_held_for_a_person() -> None:
    item = in_work(1, failed_attempts=2)

    decision = ended(item, reported(make_task(item), Report.FAILED, reason="no compiler"))

    assert changed(decision, 1).hold == "failed 3 times, last: no compiler"
    assert changed(decision, 1).status is WorkStatus.BLOCKED
    assert decision.changes.given == ()


def test_failed_fix_goes_back_to_be_mended() -> None:
    item, task = fixing("checks", fixes=(fix_request("checks"),))

    after = changed(ended(item, reported(task, Report.FAILED, reason="hard")), 1)

    assert (after.status, after.retry_at, len(after.fixes)) == (WorkStatus.BLOCKED, later(10), 1)


def test_failed_fix_that_is_no_longer_needed_leaves_the_branch_as_it_is() -> None:
    item, task = fixing("checks", fixes=())

    after = changed(ended(item, reported(task, Report.FAILED, reason="hard")), 1)

    assert after.status in {WorkStatus.BLOCKED, WorkStatus.DONE}


def test_task_cancelled_by_somebody_is_given_out_again() -> None:
    item = in_work(1)
    task = msgspec.structs.replace(make_task(item), state=TaskState.CANCELLED)

    decision = decided(item, task, make_agent("backend"))

    assert changed(decision, 1).status is WorkStatus.ASSIGNED
    assert decision.changes.given[0].spec.id != task.id


@pytest.mark.parametrize(("runs", "left"), [(0, 1), (1, 2)])
def test_fix_that_was_reclaimed_is_given_out_again_and_was_a_round_only_if_somebody_was_at_it(
    runs: int, left: int
) -> None:
    item = in_work(1, submitted=HEAD, pull=make_pull(1), fixes=(fix_request("checks"),), fix_rounds=2)
    task = make_task(item, kind=TaskKind.FIX, causes=("checks",), runs=runs, reason="ann, which had it, is stopped")

    decision = ended(item, msgspec.structs.replace(task, state=TaskState.CANCELLED))

    after = changed(decision, 1)
    assert (after.status, after.fix_rounds) == (WorkStatus.BLOCKED, left)
    assert "#1 goes to somebody else: ann, which had it, is stopped" in [e.text for e in decision.changes.events]


# Work that a hold came upon


def broken_look(item: WorkItem) -> Outcome:
    seen = saw_merging(item)
    return Outcome(want=seen.want, found=Refused(reason="no pull request", is_temporary=False))


@pytest.mark.parametrize("report", [Report.COMPLETED, Report.FAILED])
def test_run_under_way_when_its_item_is_held_may_finish(report: Report) -> None:
    item, task = fixing("checks", fixes=(fix_request("checks"),))
    snapshot = make_snapshot(item, task, AT_WORK, *all_watches(item))

    held, _ = step(snapshot, broken_look(item))
    after = held.items[item.id]
    assert (after.status, after.hold) == (WorkStatus.RUNNING, "looking at its pull request failed: no pull request")

    done = msgspec.structs.replace(held, tasks={task.id: reported(task, report, head=NEXT_HEAD, reason="hard")})
    final, decision = step(done)
    assert final.items[item.id].status is WorkStatus.BLOCKED
    assert final.items[item.id].hold is not None
    assert decision.changes.given == ()


# Reviews


def test_approval_is_remembered_for_the_commit_it_is_about() -> None:
    item = in_review(1, failed_attempts=1)
    task = reported(review_of(item), Report.APPROVED)

    decision = ended(item, task, mission=make_mission(policy={"auto_merge": True}))

    after = changed(decision, 1)
    assert after.pull is not None
    assert (after.pull.review, after.review_task_id, after.failed_attempts) == (Verdict.PASSED, None, 0)
    assert "review.approved" in said(decision.changes)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reason": "no tests"}, "no tests"),
        ({"result": "see above"}, "see above"),
        ({}, "The reviewer rejected this commit without giving a reason."),
    ],
)
def test_rejection_becomes_a_fix_with_the_reviewers_words(fields: dict[str, str], words: str) -> None:
    item = in_review(1)

    decision = ended(item, reported(review_of(item), Report.REJECTED, **fields))

    (fix,) = changed(decision, 1).fixes
    assert (fix.cause, fix.head, fix.text) == ("review", HEAD, f"reviewer rejected it:\n\n{words}")
    assert "review.rejected" in said(decision.changes)


@pytest.mark.parametrize("report", [Report.APPROVED, Report.REJECTED])
def test_verdict_on_another_commit_says_nothing_of_this_one(report: Report) -> None:
    item = in_review(1)

    after = changed(ended(item, reported(review_of(item, about=NEXT_HEAD), report)), 1)

    assert after.pull == item.pull
    assert (after.fixes, after.review_task_id) == ((), None)


def test_verdict_without_a_commit_or_a_pull_request_says_nothing() -> None:
    item = in_review(1, pull=None)

    after = changed(ended(item, reported(review_of(item), Report.APPROVED)), 1)

    assert (after.pull, after.review_task_id) == (None, None)


def test_cancelled_review_is_given_out_again() -> None:
    item = in_review(1)
    task = msgspec.structs.replace(review_of(item), state=TaskState.CANCELLED)

    decision = decided(item, task, AT_WORK, make_agent("reviewer"))

    assert decision.changes.given[0].spec.kind is TaskKind.REVIEW


def test_review_that_could_not_be_made_is_tried_again_after_a_pause() -> None:
    item = in_review(1)

    decision = ended(item, reported(review_of(item), Report.FAILED, reason="no checkout"))

    after = changed(decision, 1)
    assert (after.failed_attempts, after.retry_at, after.review_task_id) == (1, later(10), None)
    assert "review.failed" in said(decision.changes)


def test_review_that_failed_too_often_is_held_for_a_person() -> None:
    item = in_review(1, failed_attempts=2)

    after = changed(ended(item, reported(review_of(item), Report.FAILED, reason="no checkout")), 1)

    assert after.hold == "its review failed 3 times, last: no checkout"


# Tasks that no item knows


def test_open_task_that_its_item_no_longer_knows_is_taken_back() -> None:
    task = make_task(in_work(1))

    decision = decided(make_item(1, status=WorkStatus.READY), task, AT_WORK)

    assert [(one.task_id, one.reason) for one in decision.changes.cancelled] == [(task.id, "replaced")]


def test_finished_task_that_its_item_no_longer_knows_is_settled() -> None:
    task = reported(make_task(in_work(1)), head=HEAD)

    decision = decided(make_item(1, status=WorkStatus.READY), task, AT_WORK)

    assert decision.changes.settled == (task.id,)
    assert decision.changes.given == ()


def test_task_of_an_item_that_is_gone_is_taken_back() -> None:
    task = make_task(in_work(7))

    decision = decided(make_item(1, status=WorkStatus.READY), task, AT_WORK)

    assert [one.task_id for one in decision.changes.cancelled] == [task.id]


def test_item_whose_task_the_store_forgot_is_given_out_again() -> None:
    decision = decided(in_work(1), make_agent("backend"))

    assert changed(decision, 1).status is WorkStatus.ASSIGNED
    assert [given.agent_id for given in decision.changes.given] == [agent_id("backend")]
    assert said(decision.changes)[0] == "item.released"


def test_review_that_the_store_forgot_is_given_out_again() -> None:
    decision = decided(in_review(1), make_agent("backend"), make_agent("reviewer"))

    assert [given.agent_id for given in decision.changes.given] == [agent_id("reviewer")]


def test_nothing_is_asked_of_a_handed_in_item_without_reason() -> None:
    item = handed_in(1, pull=passed(1))

    assert changed(decided(item, make_agent("backend")), 1).status is WorkStatus.DONE


# A stopped mission


@pytest.mark.parametrize("runs", [0, 1])
def test_run_that_ended_without_a_result_is_not_repeated_in_a_stopped_mission(runs: int) -> None:
    item = in_work(1)
    stopped = make_mission(state=MissionState.BLOCKED, is_paused=True)
    task = make_task(item, state=TaskState.ASSIGNED, runs=runs, reason="no report")

    decision = decided(item, task, make_agent("backend"), mission=stopped)

    assert [one.task_id for one in decision.changes.cancelled] == [task.id]
    assert (changed(decision, 1).status, changed(decision, 1).task_id) == (WorkStatus.READY, None)


def test_review_without_a_verdict_is_not_repeated_in_a_stopped_mission() -> None:
    item = in_review(1)
    stopped = make_mission(state=MissionState.BLOCKED, is_paused=True)
    task = make_task(item, "reviewer", TaskKind.REVIEW, state=TaskState.ASSIGNED, runs=1)

    decision = decided(item, task, make_agent("reviewer"), mission=stopped)

    assert [one.task_id for one in decision.changes.cancelled] == [task.id]
    assert changed(decision, 1).review_task_id is None


@pytest.mark.parametrize(("runs", "rounds"), [(0, 1), (1, 2)])
def test_round_of_mending_that_nobody_began_does_not_count(runs: int, rounds: int) -> None:
    item = in_work(1, submitted=HEAD, pull=make_pull(), fixes=(fix_request("checks"),), fix_rounds=2)
    stopped = make_mission(state=MissionState.BLOCKED, is_paused=True)
    task = make_task(item, kind=TaskKind.FIX, state=TaskState.ASSIGNED, runs=runs)

    decision = decided(item, task, make_agent("backend"), mission=stopped)

    assert (changed(decision, 1).status, changed(decision, 1).fix_rounds) == (WorkStatus.BLOCKED, rounds)
