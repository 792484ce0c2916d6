"""What went wrong last with an item is kept for `why`; what is not the agent's fault is not held against it."""

from __future__ import annotations

from typing import Any

from tests.unit.planner.world import (
    AT_WORK,
    NOW,
    changed,
    decided,
    ended,
    fix_request,
    handed_in,
    in_review,
    in_work,
    make_agent,
    make_snapshot,
    make_task,
    opened_as,
    passed,
    reported,
    review_of,
    said,
)

from tinytown.domain.task import Report, TaskKind
from tinytown.domain.workitem import WorkStatus
from tinytown.planner.tick import decide
from tinytown.planner.wants import OpenPull, Outcome, Refused

HOOK: dict[str, Any] = {
    "hook": "before_run",
    "hook_failures": 5,
    "reason": "hook before_run failed (exit code 3): no network",
}


def test_failed_try_is_kept_with_how_many_there_are() -> None:
    item = in_work(1, failed_attempts=1)

    decision = decided(item, reported(make_task(item), Report.FAILED, reason="no compiler"), AT_WORK)

    assert changed(decision, 1).setback == "backend failed (try 2 of 3): no compiler"


def test_failed_review_is_kept_with_how_many_tries_there_are() -> None:
    item = in_review(1)
    task = review_of(item)

    decision = ended(item, reported(task, Report.FAILED, reason="exit code 1"))

    assert changed(decision, 1).setback == "reviewer could not review it (try 1 of 3): exit code 1"


def test_failed_call_of_the_forge_is_kept_until_one_succeeds() -> None:
    item = handed_in(1, pull=None)
    (want,) = decided(item, AT_WORK).wants
    assert isinstance(want, OpenPull)

    refused = Outcome(want=want, found=Refused(reason="no route", is_temporary=True))
    failed = decide(make_snapshot(item, AT_WORK), [refused], NOW)
    opened = decide(make_snapshot(changed(failed, 1), AT_WORK), [opened_as(want)], NOW)

    assert changed(failed, 1).setback == "opening the pull request failed (try 1 of 5): no route"
    assert changed(opened, 1).setback == ""


def test_setback_is_forgotten_when_the_work_is_done() -> None:
    item = in_work(1, setback="backend failed (try 1 of 3): no compiler")

    decision = decided(item, reported(make_task(item), head="c" * 40), AT_WORK)

    assert changed(decision, 1).setback == ""


def test_setback_is_forgotten_when_the_review_has_a_verdict() -> None:
    item = in_review(1, setback="reviewer could not review it (try 1 of 3): exit code 1")
    task = review_of(item)

    decision = ended(item, reported(task, Report.APPROVED))

    assert changed(decision, 1).setback == ""


# Hooks


def test_hook_that_keeps_failing_holds_the_item_and_is_not_held_against_the_agent() -> None:
    item = in_work(1)

    decision = decided(item, reported(make_task(item), Report.FAILED, **HOOK), make_agent("backend"))

    after = changed(decision, 1)
    assert (after.status, after.failed_attempts, after.history, after.setback) == (WorkStatus.BLOCKED, 0, (), "")
    assert after.hold == (
        "hook before_run failed 5 times in a row, last: hook before_run failed (exit code 3): no network;"
        " mend it, then: tt mission resume 00000000"
    )
    assert "item.failed" not in said(decision.changes)
    assert decision.changes.given == ()


def test_fix_round_that_a_hook_kept_from_beginning_was_not_had() -> None:
    item = in_work(1, submitted="a" * 40, pull=passed(), fixes=(fix_request("checks"),), fix_rounds=1)
    task = make_task(item, kind=TaskKind.FIX, causes=("checks",))

    after = changed(decided(item, reported(task, Report.FAILED, **HOOK), AT_WORK), 1)

    assert (after.fix_rounds, after.status, after.failed_attempts) == (0, WorkStatus.BLOCKED, 0)
    assert [fix.cause for fix in after.fixes] == ["checks"]


def test_review_that_a_hook_keeps_from_beginning_holds_the_item() -> None:
    item = in_review(1)
    task = review_of(item)

    after = changed(ended(item, reported(task, Report.FAILED, **HOOK)), 1)

    assert (after.failed_attempts, after.review_task_id) == (0, None)
    assert (after.hold or "").startswith("hook before_run failed 5 times in a row")
