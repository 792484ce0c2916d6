from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tinytown.domain.task import Report, Task, TaskKind, TaskSpec, TaskState
from tinytown.runtime.clis.base import NOTHING, Reading
from tinytown.runtime.clis.rate_limit import RateLimit
from tinytown.runtime.outcome import MOST_HOOK_FAILURES, MOST_LIMITED, MOST_LIMITED_MESSAGE, Ended, Evidence, judge
from tinytown.runtime.process import Ending, RunResult
from tinytown.runtime.usage import Usage
from tinytown.store.hosts import RunEnd

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
RUN = "run-1"
GOOD = Evidence(head="b" * 40, head_before="a" * 40, branch="tt/1-thing", made=1)
NONE = Evidence(head="a" * 40, head_before="a" * 40, branch="tt/1-thing", made=0)


def task(kind: TaskKind = TaskKind.WORK, *, branch: str | None = "tt/1-thing", **fields: Any) -> Task:
    spec = TaskSpec(id="t", kind=kind, title="t", created_at=NOW, branch=branch, item_id="item", mission_id="m")
    return Task(spec=spec, state=TaskState.RUNNING, updated_at=NOW, **{"run_id": RUN, **fields})


def personal(**fields: Any) -> Task:
    spec = TaskSpec(id="t", kind=TaskKind.WORK, title="t", created_at=NOW)
    return Task(spec=spec, state=TaskState.RUNNING, updated_at=NOW, **{"run_id": RUN, **fields})


def exited(code: int | None = 0, *, ending: Ending = Ending.EXITED, **fields: Any) -> RunResult:
    return RunResult(ending=ending, exit_code=code, **{"started": 0.0, "ended": 600.0, **fields})


def judged(
    about: Task | None,
    evidence: Evidence = NONE,
    result: RunResult | None = exited(),  # noqa: B008  frozen
    *,
    max_nudges: int = 2,
    **fields: Any,
) -> RunEnd:
    values: dict[str, Any] = {"reading": NOTHING, **fields}
    ended = Ended(agent_id="a", run_id=RUN, task=about, result=result, evidence=evidence, **values)
    return judge(ended, max_nudges=max_nudges, now=NOW)


def secs_until(end: RunEnd) -> float:
    assert end.retry_at is not None
    return (end.retry_at - NOW).total_seconds()


# With a report


def test_reported_work_with_a_commit_is_handed_in() -> None:
    end = judged(task(report=Report.COMPLETED, result="made it"), GOOD)

    assert end.outcome == "completed"
    assert end.task_fields == {"result": "made it", "head": "b" * 40, "branch": "tt/1-thing"}
    assert (end.agent_state, end.retry_at) == ("idle", None)


@pytest.mark.parametrize(
    "result",
    [
        exited(1),
        exited(None, signal=9),
        exited(None, ending=Ending.TIMED_OUT),
        exited(None, ending=Ending.STOPPED),
        None,
    ],
)
def test_report_counts_however_the_process_ended(result: RunResult | None) -> None:
    assert judged(task(report=Report.COMPLETED, result="made it"), GOOD, result).outcome == "completed"


def test_what_was_left_uncommitted_is_told_with_the_result() -> None:
    end = judged(task(report=Report.COMPLETED, result="made it"), Evidence(head="b", made=1, dirty=("a.py", "b.py")))

    assert end.task_fields["result"] == "made it\n\nLeft in the worktree; not committed: a.py, b.py"
    assert "branch" not in end.task_fields


def test_report_without_a_commit_is_not_believed() -> None:
    dirty = Evidence(head="a", head_before="a", dirty=tuple(f"{n}.py" for n in range(7)))
    end = judged(task(report=Report.COMPLETED, result="made it"), dirty)

    assert (end.outcome, end.task_fields["nudges"], end.task_fields["result"]) == ("retry", "1", "")
    assert end.task_fields["reason"] == (
        "you reported the task as done, but its branch has no commit; not committed: 0.py, 1.py, 2.py, 3.py, 4.py, …"
    )
    assert secs_until(end) == 0


def test_report_without_a_commit_will_do_when_others_may_have_done_it_all() -> None:
    made = task(report=Report.COMPLETED, result="all there")
    made = msgspec.structs.replace(made, spec=msgspec.structs.replace(made.spec, may_be_empty=True))
    end = judged(made)

    assert (end.outcome, end.task_fields["result"]) == ("completed", "all there")
    assert "head" not in end.task_fields
    assert judged(made, msgspec.structs.replace(NONE, dirty=("a.py",))).outcome == "retry"
    assert judged(made, msgspec.structs.replace(NONE, elsewhere="2 commits on branch mine")).outcome == "retry"


def test_commits_on_another_branch_are_no_evidence_and_the_agent_is_told_where_they_are() -> None:
    stray = msgspec.structs.replace(NONE, elsewhere="2 commits on branch mine")
    end = judged(task(report=Report.COMPLETED, result="made it"), stray)

    assert end.outcome == "retry"
    assert end.task_fields["reason"] == (
        "you reported the task as done, but its branch has no commit;"
        " bring them onto tt/1-thing: 2 commits on branch mine"
    )


def test_report_without_a_commit_fails_when_reminders_did_not_help() -> None:
    end = judged(task(report=Report.COMPLETED, result="made it", nudges=2))

    assert (end.outcome, end.task_fields) == (
        "failed",
        {"reason": "you reported the task as done, but its branch has no commit"},
    )


def test_reported_failure_is_a_failure_with_its_reason() -> None:
    end = judged(task(report=Report.FAILED, reason="no compiler"), GOOD)

    assert (end.outcome, end.task_fields) == ("failed", {"reason": "no compiler"})


@pytest.mark.parametrize("report", [Report.APPROVED, Report.REJECTED])
def test_verdict_of_a_review_needs_no_commit(report: Report) -> None:
    end = judged(task(TaskKind.REVIEW, report=report, result="fine"))

    assert (end.outcome, end.task_fields["result"]) == ("completed", "fine")
    assert "head" not in end.task_fields


def test_fix_that_needed_no_commit_is_accepted() -> None:
    assert judged(task(TaskKind.FIX, report=Report.COMPLETED, result="flaky")).outcome == "completed"


def fix(*causes: str, **fields: Any) -> Task:
    about = task(TaskKind.FIX, report=Report.COMPLETED, result="flaky", **fields)
    return msgspec.structs.replace(about, spec=msgspec.structs.replace(about.spec, causes=causes, head="a" * 40))


SAME = Evidence(head="a" * 40, head_before="a" * 40, branch="tt/1-thing", made=1)


@pytest.mark.parametrize("causes", [("checks",), ("conflict",), ("checks", "review")])
def test_reported_fix_without_a_new_commit_is_not_believed(causes: tuple[str, ...]) -> None:
    nudged = judged(fix(*causes), SAME)
    failed = judged(fix(*causes, nudges=2), SAME)

    assert (nudged.outcome, failed.outcome) == ("retry", "failed")
    assert nudged.task_fields["reason"] == "you reported the fix as done, but there is no new commit on its branch"


def test_fix_with_a_new_commit_or_for_a_reviewer_alone_is_believed() -> None:
    assert judged(fix("checks"), GOOD).outcome == "completed"
    assert judged(fix("review"), SAME).outcome == "completed"


@pytest.mark.parametrize("about", [personal(report=Report.COMPLETED), task(branch=None, report=Report.COMPLETED)])
def test_work_without_a_branch_needs_no_commit(about: Task) -> None:
    assert judged(about, Evidence()).outcome == "completed"


# Without a report


def test_commits_without_a_report_are_handed_in() -> None:
    end = judged(task(), GOOD)

    assert end.outcome == "completed"
    assert end.task_fields == {
        "result": "ended without a report; what was committed is handed in",
        "head": "b" * 40,
        "branch": "tt/1-thing",
        "report": "completed",
    }


def test_last_words_of_the_agent_stand_for_its_report() -> None:
    assert judged(task(), GOOD, reading=Reading(text="added login")).task_fields["result"] == "added login"


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (NONE, "it ended and made no report"),
        (Evidence(head="b", head_before="b", branch="x", made=2), "it ended and made no report"),
        (
            Evidence(head="b", head_before="a", branch="x", made=1, dirty=("a.py",)),
            "it ended and made no report; not committed: a.py",
        ),
    ],
    ids=["nothing", "nothing new", "dirty"],
)
def test_run_without_report_and_without_finished_commits_is_nudged_with_the_reason(
    evidence: Evidence, told: str
) -> None:
    end = judged(task(), evidence)

    assert (end.outcome, end.task_fields) == (
        "retry",
        {"nudges": "1", "nudges_left": "2", "reason": told, "result": ""},
    )


def test_personal_task_is_done_with_the_agents_last_words() -> None:
    assert judged(personal(), Evidence(), reading=Reading(text="42")).outcome == "completed"
    assert judged(personal(), Evidence()).outcome == "retry"


def test_review_without_a_verdict_is_nudged_then_failed() -> None:
    nudged = judged(task(TaskKind.REVIEW), GOOD, reading=Reading(text="looks fine"))
    failed = judged(task(TaskKind.REVIEW, nudges=2), GOOD)

    assert (nudged.outcome, nudged.task_fields["reason"]) == ("retry", "it ended and gave no verdict")
    assert (failed.outcome, failed.task_fields) == ("failed", {"reason": "it ended and gave no verdict"})


@pytest.mark.parametrize(
    ("result", "fields", "told"),
    [
        (exited(2), {}, "its process ended with exit code 2"),
        (exited(2, tail=("boom", "no key")), {}, "its process ended with exit code 2 (no key)"),
        (
            exited(2, tail=("boom",)),
            {"reading": Reading(error="bad model")},
            "its process ended with exit code 2 (bad model)",
        ),
        (exited(None, signal=11), {}, "its process was killed by signal 11"),
        (exited(0, tail=("bye",)), {}, "it ended"),
        (exited(None, ending=Ending.TIMED_OUT), {}, "it was stopped after 10 min, its time limit"),
        (
            exited(None, ending=Ending.STALLED),
            {},
            "it was stopped because it printed nothing for too long (run of 10 min)",
        ),
        (exited(None, ending=Ending.STOPPED), {}, "it was stopped"),
        (None, {}, "it could not be begun"),
        (None, {"trouble": "no space left"}, "no space left"),
    ],
)
def test_crash_stall_and_time_limit_are_told_to_the_next_run(
    result: RunResult | None, fields: dict[str, Any], told: str
) -> None:
    end = judged(task(), NONE, result, **fields)

    assert (end.outcome, end.task_fields["reason"]) == ("retry", f"{told} and made no report")


@pytest.mark.parametrize(("nudges", "secs"), [(0, 10), (1, 20), (2, 40), (3, 80), (8, 300)])
def test_crashed_runs_are_tried_again_after_growing_pauses(nudges: int, secs: int) -> None:
    assert secs_until(judged(task(nudges=nudges), NONE, exited(1), max_nudges=99)) == secs


@pytest.mark.parametrize(("nudges", "secs"), [(0, 0), (1, 20)])
def test_first_reminder_goes_out_at_once(nudges: int, secs: int) -> None:
    assert secs_until(judged(task(nudges=nudges))) == secs


def test_commits_of_a_run_that_keeps_crashing_are_handed_in_when_reminders_did_not_help() -> None:
    end = judged(task(nudges=2), GOOD, exited(1))

    assert (end.outcome, end.task_fields["report"], end.task_fields["head"]) == ("completed", "completed", "b" * 40)
    assert end.task_fields["result"] == "handed in although its process ended with exit code 1 and made no report"


def test_work_without_a_commit_fails_when_reminders_did_not_help() -> None:
    assert judged(task(nudges=2), NONE, exited(1)).outcome == "failed"


# Rate limits


@pytest.mark.parametrize("about", [task(), None])
def test_rate_limited_agent_pauses_and_its_work_waits(about: Task | None) -> None:
    limit = RateLimit(resets_at=NOW + timedelta(hours=2))

    end = judged(about, GOOD, exited(1), reading=Reading(rate_limit=limit))

    assert (end.outcome, end.agent_state, secs_until(end)) == ("retry", "paused", 7200)
    assert end.agent_fields == {"paused_until": "2026-01-05T14:00:00+00:00", "reason": "rate limited"}
    assert end.max_tries == MOST_LIMITED_MESSAGE
    assert "nudges" not in end.task_fields


@pytest.mark.parametrize(("limit", "secs"), [(RateLimit(), 300), (RateLimit(after_secs=0), 10)])
def test_rate_limit_without_a_time_pauses_five_minutes_and_none_less_than_ten_seconds(
    limit: RateLimit, secs: int
) -> None:
    assert secs_until(judged(task(), NONE, None, reading=Reading(rate_limit=limit))) == secs


def test_rate_limit_that_the_cli_waited_out_by_itself_does_not_matter() -> None:
    assert judged(task(), GOOD, exited(), reading=Reading(rate_limit=RateLimit())).outcome == "completed"


def test_report_counts_although_the_cli_is_rate_limited_now() -> None:
    about = task(report=Report.COMPLETED, result="made it")

    assert judged(about, GOOD, exited(1), reading=Reading(rate_limit=RateLimit())).outcome == "completed"


@pytest.mark.parametrize(
    "result", [exited(None, ending=Ending.TIMED_OUT), exited(None, ending=Ending.STALLED), exited(None, signal=9)]
)
def test_rate_limit_met_before_the_run_was_stopped_is_no_reason_to_pause(result: RunResult) -> None:
    end = judged(task(), NONE, result, reading=Reading(rate_limit=RateLimit()))

    assert (end.outcome, end.agent_state, end.task_fields["nudges"]) == ("retry", "idle", "1")


def test_pause_of_a_rate_limit_without_a_time_grows_with_each_in_a_row() -> None:
    ends = [judged(task(limited=n), NONE, exited(1), reading=Reading(rate_limit=RateLimit())) for n in range(3)]

    assert [(secs_until(end), end.task_fields["limited"]) for end in ends] == [(300, "1"), (600, "2"), (1200, "3")]


def test_task_that_is_rate_limited_too_often_in_a_row_fails_with_what_the_cli_said() -> None:
    reading = Reading(rate_limit=RateLimit(), error="You exceeded your current quota")

    end = judged(task(limited=MOST_LIMITED), NONE, exited(1), reading=reading)

    assert (end.outcome, end.agent_state) == ("failed", "paused")
    assert end.task_fields == {
        "reason": "the CLI was rate limited 6 times in a row: You exceeded your current quota",
    }


def test_run_that_fails_otherwise_ends_a_row_of_rate_limits() -> None:
    assert judged(task(limited=3), NONE, exited(1)).task_fields["limited"] == ""


# Everything else


@pytest.mark.parametrize(("about", "result"), [(task(), None), (task(run_id=None), exited())])
def test_what_came_along_is_kept_when_the_run_did_not_get_to_it(about: Task, result: RunResult | None) -> None:
    assert judged(about, NONE, result).keeps_extras
    assert not judged(task(), NONE, exited()).keeps_extras


def test_outcome_says_with_which_report_it_was_judged() -> None:
    assert judged(task(report=Report.FAILED)).seen_report == "failed"
    assert (judged(task()).seen_report, judged(None).seen_report) == ("", None)


def test_run_whose_task_was_taken_back_is_dropped() -> None:
    end = judged(task(run_id=None, report=Report.COMPLETED), GOOD)

    assert (end.outcome, end.task_fields) == ("dropped", {})


def test_run_whose_task_has_another_run_is_dropped() -> None:
    assert judged(task(run_id="run-2"), GOOD).outcome == "dropped"


def test_run_for_messages_is_done_when_it_ended_well_and_is_repeated_otherwise() -> None:
    failed = judged(None, Evidence(), exited(1))

    assert judged(None, Evidence()).outcome == "completed"
    assert (failed.outcome, secs_until(failed), failed.max_tries) == ("retry", 10, 3)
    assert judged(None, Evidence(), None).outcome == "retry"


@pytest.mark.parametrize(("left", "state"), [(None, "idle"), (2, "idle"), (1, "stopped"), (0, "stopped")])
def test_agent_stops_after_its_last_round(left: int | None, state: str) -> None:
    end = judged(task(report=Report.COMPLETED), GOOD, rounds_left=left)

    assert end.agent_state == state
    assert end.agent_fields == ({"reason": "made its last round"} if state == "stopped" else {})


def test_agent_that_is_rate_limited_pauses_before_it_counts_its_rounds() -> None:
    end = judged(task(), NONE, exited(1), reading=Reading(rate_limit=RateLimit()), rounds_left=1)

    assert end.agent_state == "paused"


def test_what_the_run_used_is_counted() -> None:
    end = judged(task(), GOOD, reading=Reading(usage=Usage(tokens_in=30, tokens_out=12, cost_usd=0.5)))

    assert (end.tokens, end.cost_usd) == (42, 0.5)


# Hooks that fail


@pytest.mark.parametrize(("failures", "secs"), [(0, 10), (1, 20), (3, 80)])
def test_hook_that_fails_is_tried_again_after_growing_pauses_and_is_no_try_of_the_agent(
    failures: int, secs: int
) -> None:
    end = judged(
        task(hook_failures=failures, nudges=1), NONE, None, trouble="hook before_run failed", hook="before_run"
    )

    assert (end.outcome, end.task_fields["hook_failures"]) == ("retry", str(failures + 1))
    assert end.task_fields["reason"] == "hook before_run failed"
    assert "nudges" not in end.task_fields
    assert secs_until(end) == secs


def test_hook_that_keeps_failing_ends_the_task_and_is_named() -> None:
    end = judged(task(hook_failures=MOST_HOOK_FAILURES - 1), NONE, None, trouble="no network", hook="after_create")

    assert (end.outcome, end.task_fields) == (
        "failed",
        {"reason": "no network", "hook": "after_create", "hook_failures": str(MOST_HOOK_FAILURES)},
    )


def test_run_that_came_past_its_hooks_forgets_their_failures() -> None:
    assert judged(task(hook_failures=2)).task_fields["hook_failures"] == ""


def test_reminder_tells_how_many_runs_are_left_before_the_task_has_failed() -> None:
    assert judged(task(), max_nudges=2).task_fields["nudges_left"] == "2"
    assert judged(task(nudges=1), max_nudges=2).task_fields["nudges_left"] == "1"


# Stopped by a person


@pytest.mark.parametrize("result", [exited(None, ending=Ending.STOPPED), None])
@pytest.mark.parametrize("about", [task(nudges=2, limited=3), personal(nudges=2), None])
def test_run_that_a_person_had_stopped_counts_for_nothing(about: Task | None, result: RunResult | None) -> None:
    end = judged(about, NONE, result, interruption="interrupted by a person", rounds_left=1, hook="before_run")

    fields = {"reason": "interrupted by a person", "result": ""} if about else {}
    assert (end.outcome, end.task_fields, end.agent_state) == ("retry", fields, "idle")
    assert (end.is_round, end.keeps_extras, end.retry_at) == (False, True, None)


def test_run_that_was_over_before_a_person_had_it_stopped_counts() -> None:
    why: dict[str, Any] = {"interruption": "interrupted by a person"}

    assert judged(task(), GOOD, exited(0), **why).outcome == "completed"
    assert judged(task(report=Report.FAILED, reason="no"), NONE, exited(1), **why).outcome == "failed"
    assert judged(None, NONE, exited(0), **why).outcome == "completed"
