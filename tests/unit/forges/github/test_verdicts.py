"""All checks of a commit together."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.forges.github.checked import ACTIONS, HEAD, PATTERNS, run, status, terms

from tinytown.domain.pull import ChecksSeen
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.conclusions import Check, Evidence, of_run, of_status
from tinytown.forges.github.verdicts import Required, Terms, decide


def decided(*checks: Check, by: Terms | None = None) -> ChecksSeen:
    return decide(HEAD, checks, by or terms())


GREEN, RED = of_run(run("lint")), of_run(run("test", "failure"))
SLOW = of_run(run("e2e", None))
LOST = of_run(run("win", "failure", suite=2), Evidence(output="No space left on device"), flaky=PATTERNS)


def test_all_green_passes_and_names_the_commit() -> None:
    seen = decided(GREEN)
    assert (seen.head, seen.verdict, seen.note) == (HEAD, Verdict.PASSED, "")


def test_one_failure_fails_whatever_the_others_do() -> None:
    assert decided(GREEN, RED, SLOW).verdict is Verdict.FAILED


def test_a_check_under_way_is_pending() -> None:
    assert decided(GREEN, SLOW).verdict is Verdict.PENDING


def test_no_checks_at_all_is_no_pass_until_the_grace_time() -> None:
    seen = decided(by=terms(age_secs=100))
    assert (seen.verdict, seen.again_secs) == (Verdict.PENDING, 200)
    assert seen.note == "no checks yet; without any it passes after 300 s"


def test_no_checks_at_all_passes_after_the_grace_time() -> None:
    seen = decided(by=terms(age_secs=300))
    assert (seen.verdict, seen.note) == (Verdict.PASSED, "no checks")


def test_all_green_so_far_is_no_pass_while_more_may_begin() -> None:
    seen = decided(GREEN, of_run(run("test", ended_secs_ago=10)))
    assert (seen.verdict, seen.again_secs) == (Verdict.PENDING, 20)


def test_clock_of_github_ahead_of_ours_does_not_prolong_the_wait() -> None:
    assert decided(of_run(run(ended_secs_ago=-400))).again_secs == 30


def test_all_required_green_passes_at_once() -> None:
    assert decided(of_run(run("test", ended_secs_ago=1)), by=terms("test")).verdict is Verdict.PASSED


def test_required_check_that_is_missing_is_waited_for_by_name() -> None:
    seen = decided(GREEN, by=terms("lint", "test", age_secs=10))
    assert (seen.verdict, seen.note) == (Verdict.PENDING, "waits for the required check test")


def test_required_check_that_never_began_is_said_after_the_grace_time() -> None:
    seen = decided(GREEN, by=terms("test", age_secs=301))
    assert seen.verdict is Verdict.PENDING
    assert seen.note.startswith("the required check test never began")


def test_no_checks_never_pass_when_one_is_required() -> None:
    assert decided(by=terms("test", age_secs=10_000)).verdict is Verdict.PENDING


def test_required_context_may_be_met_by_a_status() -> None:
    assert decided(of_status(status("jenkins")), by=terms("jenkins")).verdict is Verdict.PASSED


def test_check_and_status_of_one_name_count_both() -> None:
    seen = decided(of_status(status("ci", "failure")), of_run(run("ci")), by=terms("ci"))
    assert seen.verdict is Verdict.FAILED


def test_required_check_of_an_app_is_met_by_no_other_app() -> None:
    by = terms(Required("test", ACTIONS))
    assert decided(of_run(run("test", app=7)), by=by).verdict is Verdict.PENDING
    assert decided(of_run(run("test", app=ACTIONS)), by=by).verdict is Verdict.PASSED


def test_failing_check_that_is_not_required_is_told_but_gates_nothing() -> None:
    seen = decided(GREEN, RED, by=terms("lint"))
    assert (seen.verdict, seen.note) == (Verdict.PASSED, "not required, but failing: test")
    assert [(one.name, one.verdict) for one in seen.runs] == [("lint", Verdict.PASSED), ("test", Verdict.UNKNOWN)]


def test_failing_check_that_is_not_required_gates_when_wanted() -> None:
    assert decided(GREEN, RED, by=terms("lint", fail_on="all")).verdict is Verdict.FAILED


def test_nothing_that_is_not_required_gates_when_wanted() -> None:
    assert decided(RED, SLOW, by=terms(fail_on="required")).verdict is Verdict.PASSED


def test_pending_check_that_is_not_required_is_not_waited_for() -> None:
    assert decided(GREEN, SLOW, by=terms("lint")).verdict is Verdict.PASSED


def test_check_that_needs_a_person_is_trouble() -> None:
    seen = decided(GREEN, of_run(run("approve", "action_required")))
    assert seen.verdict is Verdict.UNKNOWN
    assert seen.trouble == "check approve: it waits for a person: https://github.com/o/r/runs/1"


def test_failure_is_mended_before_a_person_is_asked_about_another() -> None:
    assert decided(RED, of_run(run("approve", "action_required"))).verdict is Verdict.FAILED


def test_trouble_of_a_check_that_is_not_required_is_nobodys() -> None:
    seen = decided(GREEN, of_run(run("approve", "action_required")), by=terms("lint"))
    assert (seen.verdict, seen.trouble) == (Verdict.PASSED, "")


def test_only_lost_machines_are_worth_a_rerun() -> None:
    assert decided(LOST).is_worth_rerun
    assert not decided(LOST, RED).is_worth_rerun


def test_lost_machine_waits_for_the_other_checks_before_it_is_run_again() -> None:
    seen = decided(LOST, SLOW)
    assert (seen.verdict, seen.is_worth_rerun) == (Verdict.PENDING, False)


def test_lost_machine_does_not_wait_for_another_suite_that_gates_nothing() -> None:
    seen = decided(LOST, SLOW, by=terms("win"))
    assert (seen.verdict, seen.is_worth_rerun) == (Verdict.FAILED, True)


def test_log_that_is_not_there_yet_is_asked_for_again_soon() -> None:
    seen = decided(of_run(run("test", "failure"), Evidence(is_whole=False)), SLOW)
    assert (seen.verdict, seen.again_secs) == (Verdict.PENDING, 5)
    assert seen.note == "test failed; its log is not there yet"


@pytest.mark.parametrize("state", ["queued", "pending", "requested"])
def test_check_that_stays_queued_is_pending_for_ever_not_passed(state: str) -> None:
    assert decided(GREEN, of_run(run("slow", None, status=state))).verdict is Verdict.PENDING


CONCLUSIONS = [
    "success",
    "success",
    "success",
    "success",
    None,
    "failure",
    "skipped",
    "cancelled",
    "timed_out",
    "action_required",
    "stale",
]
runs = st.builds(
    lambda name, conclusion, ago, output: of_run(
        run(name, conclusion, ended_secs_ago=ago), Evidence(output=output), flaky=PATTERNS
    ),
    st.sampled_from("abc"),
    st.sampled_from(CONCLUSIONS),
    st.sampled_from([1, 1000]),
    st.sampled_from(["", "No space left on device"]),
)
statuses = st.builds(
    lambda name, state: of_status(status(name, state)),
    st.sampled_from("abc"),
    st.sampled_from(["success", "success", "failure", "error", "pending"]),
)
many = st.lists(runs | statuses, max_size=6)
terms_ = st.builds(
    lambda names, age, fail_on: terms(*names, age_secs=age, fail_on=fail_on),
    st.lists(st.sampled_from("abc"), max_size=2, unique=True),
    st.sampled_from([0, 299, 300, 5000]),
    st.sampled_from([None, "all", "required"]),
)


@given(many, terms_, st.randoms(use_true_random=False))
def test_verdict_does_not_depend_on_the_order(checks: list[Check], by: Terms, random: object) -> None:
    shuffled = list(checks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert decide(HEAD, checks, by) == decide(HEAD, shuffled, by)


@given(many, terms_)
def test_passing_means_that_every_required_check_is_there_and_green(checks: list[Check], by: Terms) -> None:
    said: dict[str, set[Verdict]] = {one.context: set() for one in by.required}
    for check in checks:
        said.setdefault(check.run.name, set()).add(check.run.verdict)
    is_met = all(said[one.context] == {Verdict.PASSED} for one in by.required)
    is_empty_too_soon = not checks and by.age_secs < 300
    if decide(HEAD, checks, by).verdict is Verdict.PASSED:
        assert is_met
        assert not is_empty_too_soon


@given(many, terms_)
def test_a_failure_more_never_passes(checks: list[Check], by: Terms) -> None:
    by = msgspec.structs.replace(by, fail_on="all")
    assert decide(HEAD, [*checks, RED], by).verdict is Verdict.FAILED


@given(many, terms_)
def test_what_fails_gates_and_what_is_waited_for_is_soon(checks: Sequence[Check], by: Terms) -> None:
    seen = decide(HEAD, checks, by)
    failed = [one.name for one in seen.runs if one.verdict is Verdict.FAILED]
    assert not failed or seen.verdict in {Verdict.FAILED, Verdict.PENDING}
    assert seen.verdict is not Verdict.FAILED or failed
    assert seen.again_secs is None or 0 < seen.again_secs <= 300
    assert (seen.trouble == "") == (seen.verdict is not Verdict.UNKNOWN)
