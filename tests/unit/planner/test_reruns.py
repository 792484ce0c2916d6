from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.planner.world import (
    AT_WORK,
    CHECKS,
    HEAD,
    NEXT_HEAD,
    NOW,
    all_watches,
    causes,
    handed_in,
    later,
    looked,
    make_pull,
    make_snapshot,
    make_watch,
    only_watch,
    pull_of,
    said,
    saw_checks,
    step,
    watched,
)

from tinytown.domain.pull import CheckRun, ChecksSeen
from tinytown.domain.workitem import Verdict, WorkItem
from tinytown.planner.wants import LookAt, Outcome

LOST = CheckRun(name="tests", verdict=Verdict.FAILED, summary="the runner was lost", is_flaky=True)
BROKEN = CheckRun(name="types", verdict=Verdict.FAILED, output="int is no str", link="https://ci.example/7")


def failed(item: WorkItem, *runs: CheckRun, is_again: bool = False) -> Outcome:
    outcome = looked(item, make_watch(item, CHECKS), ChecksSeen(head=HEAD, verdict=Verdict.FAILED, runs=runs))
    assert isinstance(outcome.want, LookAt)
    return msgspec.structs.replace(outcome, want=msgspec.structs.replace(outcome.want, is_again=is_again))


def again(decision: Any) -> list[LookAt]:
    return [want for want in decision.wants if isinstance(want, LookAt) and want.is_again]


def test_checks_that_failed_for_reasons_of_their_own_are_run_again_at_once() -> None:
    item = handed_in(1)

    after, decision = step(watched(item), failed(item, LOST))

    assert (pull_of(after).checks, pull_of(after).reruns) == (Verdict.PENDING, 1)
    assert causes(after) == []
    assert [want.kind for want in again(decision)] == [CHECKS]
    assert "checks.rerun" in said(decision.changes)
    (line,) = [event.text for event in decision.changes.events if event.type == "checks.rerun"]
    assert line == "checks of #1 failed for reasons of their own and are run again (1 of 2): tests"


def test_failure_of_the_code_is_mended_also_when_another_check_was_unlucky() -> None:
    item = handed_in(1)

    after, decision = step(watched(item), failed(item, LOST, BROKEN))

    assert causes(after) == ["checks"]
    assert again(decision) == []


def test_checks_that_fail_for_the_third_time_are_to_be_mended_and_the_text_says_so() -> None:
    item = handed_in(1, pull=make_pull(1, reruns=2, is_checked_again=True, checks=Verdict.PENDING))

    after, decision = step(watched(item), failed(item, LOST, is_again=True))

    (fix,) = after.items[item.id].fixes
    assert fix.text.startswith(f"These checks failed at commit {HEAD}, also when they were run again 2 times:")
    assert again(decision) == []
    assert pull_of(after).reruns == 2


def test_checks_that_were_run_again_once_and_fail_by_the_code_say_so() -> None:
    item = handed_in(1, pull=make_pull(1, reruns=1))

    after, _ = step(watched(item), failed(item, BROKEN))

    (fix,) = after.items[item.id].fixes
    assert fix.text == (
        f"These checks failed at commit {HEAD}, also when they were run again:\n\n"
        "### types: failed\n\nhttps://ci.example/7\n\nint is no str"
    )


def test_new_commit_has_its_reruns_to_itself() -> None:
    item = handed_in(1, pull=make_pull(1, reruns=2))

    after, _ = step(watched(item), saw_checks(item, Verdict.PENDING, head=NEXT_HEAD))

    assert pull_of(after).reruns == 0


def test_checks_of_what_is_held_for_a_person_are_not_run_again() -> None:
    item = handed_in(1, hold="branch is protected")

    after, decision = step(watched(item), failed(item, LOST))

    assert again(decision) == []
    assert pull_of(after).reruns == 0


def test_what_is_held_before_its_checks_could_be_run_again_is_looked_at_as_usual() -> None:
    item = handed_in(1, hold="branch is protected", pull=make_pull(1, is_checked_again=True))
    snapshot = make_snapshot(item, AT_WORK, *all_watches(item, next_due_at=NOW))

    after, _ = step(snapshot, failed(item, BROKEN))

    assert only_watch(after, CHECKS).next_due_at == later(180)
    assert pull_of(after) == item.pull


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.PENDING])
def test_checks_that_are_run_again_and_do_not_fail_need_no_mending(verdict: Verdict) -> None:
    item = handed_in(1, pull=make_pull(1, is_checked_again=True, reruns=1, checks=Verdict.PENDING))
    seen = saw_checks(item, verdict)
    assert isinstance(seen.want, LookAt)
    again_seen = msgspec.structs.replace(seen, want=msgspec.structs.replace(seen.want, is_again=True))

    after, _ = step(watched(item), again_seen)

    assert (pull_of(after).checks, pull_of(after).is_checked_again, causes(after)) == (verdict, False, [])
