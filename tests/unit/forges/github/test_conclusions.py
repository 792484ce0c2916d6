"""What one check or status says."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.forges.github.checked import PATTERNS, run, status

from tinytown.domain.workitem import Verdict
from tinytown.forges.github.conclusions import Evidence, is_failing, latest, of_run, of_status
from tinytown.forges.github.shapes import CheckRunShape


@pytest.mark.parametrize("conclusion", ["success", "skipped", "neutral"])
def test_success_skipped_and_neutral_pass(conclusion: str) -> None:
    assert of_run(run(conclusion=conclusion)).run.verdict is Verdict.PASSED


@pytest.mark.parametrize("word", ["queued", "in_progress", "waiting", "requested", "pending", "a word of tomorrow"])
def test_what_has_not_ended_is_pending(word: str) -> None:
    assert of_run(run(conclusion=None, status=word)).run.verdict is Verdict.PENDING


def test_what_ended_without_a_conclusion_is_pending() -> None:
    assert of_run(run(conclusion=None, status="completed")).run.verdict is Verdict.PENDING


def test_waiting_for_an_approval_is_said() -> None:
    assert of_run(run("deploy", None, status="waiting")).note == "deploy waits for a person's approval"


def test_failure_carries_its_output_and_is_the_codes_fault() -> None:
    judged = of_run(run(conclusion="failure", title="3 failed"), Evidence(output="a.py:3: boom"), flaky=PATTERNS).run
    assert (judged.verdict, judged.is_flaky) == (Verdict.FAILED, False)
    assert (judged.summary, judged.output) == ("failure: 3 failed", "a.py:3: boom")
    assert judged.link == "https://github.com/o/r/runs/1"


@pytest.mark.parametrize("conclusion", ["cancelled", "stale", "startup_failure"])
def test_what_was_broken_off_is_worth_another_run(conclusion: str) -> None:
    judged = of_run(run(conclusion=conclusion)).run
    assert (judged.verdict, judged.is_flaky) == (Verdict.FAILED, True)


@pytest.mark.parametrize("conclusion", ["cancelled", "stale", "startup_failure"])
def test_what_was_broken_off_three_times_is_for_a_person(conclusion: str) -> None:
    judged = of_run(run(conclusion=conclusion), Evidence(attempt=3)).run
    assert (judged.verdict, judged.trouble) == (Verdict.UNKNOWN, f"it ended as {conclusion} 3 times")


@pytest.mark.parametrize(("attempt", "is_flaky"), [(None, True), (1, True), (2, False)])
def test_time_limit_is_run_again_once(attempt: int | None, *, is_flaky: bool) -> None:
    judged = of_run(run(conclusion="timed_out"), Evidence(attempt=attempt)).run
    assert (judged.verdict, judged.is_flaky) == (Verdict.FAILED, is_flaky)


def test_action_required_is_for_a_person_with_the_link() -> None:
    judged = of_run(run(conclusion="action_required")).run
    assert judged.verdict is Verdict.UNKNOWN
    assert judged.trouble == "it waits for a person: https://github.com/o/r/runs/1"


def test_conclusion_that_is_not_known_is_for_a_person() -> None:
    judged = of_run(run(conclusion="evaporated")).run
    assert judged.verdict is Verdict.UNKNOWN
    assert "it ended as 'evaporated', which is not known here" in judged.trouble


@pytest.mark.parametrize(
    "line",
    [
        "The runner has received a shutdown signal. This can happen when the runner service is stopped",
        ".github: failure: The hosted runner: GitHub Actions 4 lost communication with the server.",
        "write /tmp/x: No space left on device",
        "##[error]The operation was canceled.",
        ".github:1: failure: The operation was canceled.",
        "##[error]The hosted runner encountered an error while running your job.",
    ],
)
def test_lost_machine_is_not_the_codes_fault(line: str) -> None:
    judged = of_run(run(conclusion="failure"), Evidence(output=f"start\n{line}\nend"), flaky=PATTERNS).run
    assert (judged.verdict, judged.is_flaky) == (Verdict.FAILED, True)


def test_exception_of_the_tested_program_is_the_codes_fault() -> None:
    evidence = Evidence(output="TaskCanceledException: The operation was canceled.")
    assert not of_run(run(conclusion="failure"), evidence, flaky=PATTERNS).run.is_flaky


def test_failure_waits_for_its_log() -> None:
    judged = of_run(run("ci", "failure"), Evidence(is_whole=False))
    assert judged.run.verdict is Verdict.PENDING
    assert (judged.note, judged.again_secs) == ("ci failed; its log is not there yet", 5.0)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("success", Verdict.PASSED),
        ("failure", Verdict.FAILED),
        ("error", Verdict.FAILED),
        ("pending", Verdict.PENDING),
        ("unheard of", Verdict.PENDING),
    ],
)
def test_status_says(state: str, verdict: Verdict) -> None:
    assert of_status(status(state=state)).run.verdict is verdict


def test_status_with_a_flaky_reason_is_for_a_person_as_nobody_here_can_run_it_again() -> None:
    judged = of_status(status(state="error", said="agent 7: No space left on device"), flaky=PATTERNS).run
    assert (judged.verdict, judged.is_flaky) == (Verdict.UNKNOWN, False)
    assert judged.trouble == "agent 7: No space left on device; only who reported it can run it again"


def test_newest_run_of_a_suite_counts() -> None:
    old, new = run(conclusion="failure", id_=1, ended_secs_ago=900), run(id_=2, ended_secs_ago=100)
    assert latest([new, old]) == [new]


def test_two_workflows_with_one_name_count_both() -> None:
    one, other = run(conclusion="failure", id_=1, suite=1), run(id_=2, suite=2)
    assert latest([one, other]) == [one, other]


def test_broken_off_run_of_an_earlier_suite_is_superseded() -> None:
    old = run(conclusion="cancelled", id_=1, suite=1, ended_secs_ago=900)
    new = run(conclusion="failure", id_=2, suite=2, ended_secs_ago=100)
    assert latest([old, new]) == [new]


def test_broken_off_run_of_the_last_suite_counts() -> None:
    old, new = run(id_=1, suite=1, ended_secs_ago=900), run(conclusion="cancelled", id_=2, suite=2, ended_secs_ago=100)
    assert latest([old, new]) == [old, new]


def test_same_name_of_another_app_is_another_check() -> None:
    one, other = run(conclusion="cancelled", id_=1, app=1), run(id_=2, app=2, suite=2)
    assert latest([one, other]) == [one, other]


CONCLUSIONS = [
    None,
    "success",
    "failure",
    "neutral",
    "cancelled",
    "skipped",
    "timed_out",
    "action_required",
    "stale",
    "startup_failure",
    "unheard of",
]
shapes = st.builds(
    lambda name, conclusion, suite, app, ago: run(name, conclusion, suite=suite, app=app, ended_secs_ago=ago),
    st.sampled_from(["a", "b"]),
    st.sampled_from(CONCLUSIONS),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from([1, 100, 100, 1000]),
)


def listed(runs: list[CheckRunShape]) -> list[CheckRunShape]:
    return [msgspec.structs.replace(one, id=id_) for id_, one in enumerate(runs, start=1)]


@given(st.lists(shapes, max_size=8).map(listed), st.randoms(use_true_random=False))
def test_what_counts_does_not_depend_on_the_order(runs: list[CheckRunShape], random: object) -> None:
    shuffled = list(runs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert {one.id for one in latest(runs)} == {one.id for one in latest(shuffled)}


@given(st.lists(shapes, max_size=8).map(listed))
def test_a_failure_is_hidden_by_a_newer_run_of_its_own_suite_only(runs: list[CheckRunShape]) -> None:
    kept = latest(runs)
    for one in runs:
        if one.conclusion == "failure" and one not in kept:
            assert any(
                (other.name, other.app, other.check_suite) == (one.name, one.app, one.check_suite)
                and (other.started_at, other.id) > (one.started_at, one.id)
                for other in runs
            )


@given(shapes)
def test_every_conclusion_is_one_verdict_and_only_trouble_is_unknown(shape: CheckRunShape) -> None:
    judged = of_run(shape).run
    assert (judged.verdict is Verdict.UNKNOWN) == bool(judged.trouble)
    assert is_failing(shape) == (judged.verdict in {Verdict.FAILED, Verdict.UNKNOWN})
