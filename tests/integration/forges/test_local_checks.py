from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.integration.forges.conftest import NOW, LocalTown
from tests.repositories import branch_with
from tests.waiting import wait_until

from tinytown.domain.errors import LeaseLostError
from tinytown.domain.pull import CheckRun, Pull
from tinytown.domain.workitem import Verdict
from tinytown.forges.local import checks
from tinytown.forges.local.checks import KEPT_LOG_SECS, MARK, CheckCommand
from tinytown.store.checks import MOST_TRIES, WAIT, CheckJob
from tinytown.store.pulls import KEPT_SECS

NEVER = threading.Event()
PASSED = CheckRun(name="tests", verdict=Verdict.PASSED, summary="passed")
FAILED = CheckRun(name="tests", verdict=Verdict.FAILED, summary="exit code 1")


def python(name: str, code: str, timeout_secs: float = 20) -> CheckCommand:
    return CheckCommand(name=name, argv=(sys.executable, "-c", code), timeout_secs=timeout_secs)


def opened(town: LocalTown) -> Pull:
    town.forge = town.make_forge(has_checks=True)
    branch_with(town.git, "tt/1", {"new.py": "new\n"})
    return town.open()


def claimed(town: LocalTown) -> CheckJob:
    opened(town)
    job = town.checks.claim(town.host("h1"), at=NOW)
    assert job is not None
    return job


class TestQueue:
    def test_without_checks_everything_passes_at_once(self, town: LocalTown) -> None:
        branch_with(town.git, "tt/1", {"new.py": "new\n"})
        assert town.forge.checks(town.open().url).verdict is Verdict.PASSED
        assert town.checks.queued() == 0

    def test_a_result_is_known_once_a_host_has_run_the_checks(self, town: LocalTown) -> None:
        pull = opened(town)
        assert town.forge.checks(pull.url).verdict is Verdict.PENDING
        job = town.checks.claim(town.host("h1"), at=NOW)
        assert job == CheckJob(number=1, url=pull.url, branch="tt/1", head=pull.head, host="h1")
        assert town.checks.claim(town.host("h2"), at=NOW) is None
        assert town.forge.checks(pull.url).verdict is Verdict.PENDING
        assert town.checks.queued() == 0
        town.watched_by("m1", pull.url)
        town.checks.finish(job, (PASSED,), at=NOW)
        seen = town.forge.checks(pull.url)
        assert (seen.verdict, seen.runs, seen.head) == (Verdict.PASSED, (PASSED,), pull.head)
        assert town.signal_of("m1", pull.url) is not None
        kinds = ["pull.opened", "check.queued", "check.started", "check.finished"]
        assert town.events() == [(kind, pull.url) for kind in kinds]

    def test_a_host_that_did_not_learn_of_its_claim_gets_it_again(self, town: LocalTown) -> None:
        job = claimed(town)
        assert town.checks.claim("h1", at=NOW) == job
        assert town.checks.queued() == 0

    def test_a_host_that_did_not_learn_that_its_result_is_kept_may_tell_it_again(self, town: LocalTown) -> None:
        job = claimed(town)
        town.checks.finish(job, (PASSED,), at=NOW)
        town.checks.finish(job, (PASSED,), at=NOW)
        assert [kind for kind, _ in town.events()].count("check.finished") == 1
        assert town.checks.claim("h1", at=NOW) is None

    def test_one_failure_fails_them_all(self, town: LocalTown) -> None:
        job = claimed(town)
        failed = CheckRun(name="lint", verdict=Verdict.FAILED, summary="exit code 1", output="x.py:1")
        town.checks.finish(job, (PASSED, failed), at=NOW)
        seen = town.forge.checks(job.url)
        assert (seen.verdict, [run.name for run in seen.runs]) == (Verdict.FAILED, ["lint", "tests"])

    def test_a_new_head_is_checked_and_the_old_one_no_longer(self, town: LocalTown) -> None:
        pull = opened(town)
        head = branch_with(town.git, "tt/1", {"new.py": "newer\n"})
        assert town.forge.pull(pull.url).head == head
        assert town.checks.queued() == 1
        job = town.checks.claim(town.host("h1"), at=NOW)
        assert job is not None
        assert job.head == head
        branch_with(town.git, "tt/1", {"new.py": "newest\n"})
        town.forge.pull(pull.url)
        town.checks.finish(job, (PASSED,), at=NOW)
        assert town.forge.checks(pull.url).verdict is Verdict.PENDING
        assert town.checks.results(job.number, job.head) == ()

    def test_results_go_with_their_head_or_a_month_after_the_merge(self, town: LocalTown) -> None:
        job = claimed(town)
        town.checks.finish(job, (PASSED,), at=NOW)
        head = branch_with(town.git, "tt/1", {"new.py": "newer\n"})
        assert town.forge.pull(job.url).head == head
        assert town.checks.results(job.number, job.head) == ()
        again = town.checks.claim("h1", at=NOW)
        assert again is not None
        town.checks.finish(again, (PASSED,), at=NOW)
        town.forge.add_review(job.url, head=head, verdict=Verdict.PASSED, by="ann", text="")
        kept = [("pull", "1"), ("pull", "1", "reviews"), ("check", "1", head)]
        assert [town.connection.execute("TTL", town.keys(*key)) for key in kept] == [-1, -1, -1]
        town.forge.merge(job.url, head, closes=())
        town.forge.add_review(job.url, head=head, verdict=Verdict.PASSED, by="bob", text="")
        assert all(0 < town.connection.execute("TTL", town.keys(*key)) <= KEPT_SECS for key in kept)

    def test_checks_of_a_merged_pull_request_are_dropped(self, town: LocalTown) -> None:
        pull = opened(town)
        town.forge.merge(pull.url, pull.head, closes=())
        assert (town.checks.queued(), town.checks.claim(town.host("h1"), at=NOW)) == (0, None)

    def test_a_dead_hosts_checks_go_to_another_and_its_late_result_is_refused(self, town: LocalTown) -> None:
        job = claimed(town)
        assert town.checks.release("h1", at=NOW) == 1
        again = town.checks.claim(town.host("h2"), at=NOW)
        assert again is not None
        assert (again.head, again.host) == (job.head, "h2")
        with pytest.raises(LeaseLostError):
            town.checks.finish(job, (PASSED,), at=NOW)
        town.checks.finish(again, (PASSED,), at=NOW)
        assert town.forge.checks(job.url).verdict is Verdict.PASSED

    def test_a_released_host_gets_no_checks(self, town: LocalTown) -> None:
        opened(town)
        with pytest.raises(LeaseLostError, match="host gone was released"):
            town.checks.claim("gone", at=NOW)
        assert town.checks.queued() == 1

    def test_checks_that_ended_without_result_are_asked_for_again(self, town: LocalTown) -> None:
        job = claimed(town)
        town.checks.finish(job, (), at=NOW)
        assert town.checks.queued() == 0
        assert town.forge.checks(job.url).verdict is Verdict.PENDING
        assert town.checks.queued() == 1

    def test_checks_that_ended_can_be_run_again(self, town: LocalTown) -> None:
        job = claimed(town)
        town.forge.recheck(job.url)
        assert town.checks.queued() == 0, "they run already"
        town.checks.finish(job, (FAILED,), at=NOW)
        town.forge.recheck(job.url)
        town.forge.recheck(job.url)
        assert (town.forge.checks(job.url).verdict, town.checks.queued()) == (Verdict.PENDING, 1)
        again = town.checks.claim("h1", at=NOW)
        assert again == job
        town.checks.finish(again, (PASSED,), at=NOW)
        assert town.forge.checks(job.url).verdict is Verdict.PASSED

    def test_checks_of_a_merged_pull_request_are_not_run_again(self, town: LocalTown) -> None:
        job = claimed(town)
        town.checks.finish(job, (PASSED,), at=NOW)
        town.forge.merge(job.url, job.head, closes=())
        town.forge.recheck(job.url)
        assert town.checks.queued() == 0

    def test_a_check_that_could_not_be_run_is_trouble_and_no_failure(self, town: LocalTown) -> None:
        job = claimed(town)
        lint = CheckRun(name="lint", verdict=Verdict.UNKNOWN, trouble="ruff is not here")
        town.checks.finish(job, (PASSED, lint), at=NOW)
        seen = town.forge.checks(job.url)
        assert (seen.verdict, seen.trouble) == (Verdict.UNKNOWN, "check lint: ruff is not here")
        town.forge.recheck(job.url)
        again = town.checks.claim("h1", at=NOW)
        assert again is not None
        town.checks.finish(again, (FAILED, lint), at=NOW)
        seen = town.forge.checks(job.url)
        assert (seen.verdict, seen.trouble) == (Verdict.FAILED, "")


class TestTurns:
    def test_a_turn_runs_what_waits_and_keeps_its_outcome(self, town: LocalTown) -> None:
        pull, host = opened(town), town.host("h1")
        turns = town.checking(python("tests", "pass"))
        assert (turns.turn(host, NEVER), turns.turn(host, NEVER)) == (True, False)
        assert town.forge.checks(pull.url).verdict is Verdict.PASSED

    def test_one_that_cannot_be_made_does_not_keep_others_waiting(self, town: LocalTown) -> None:
        first, host = opened(town), town.host("h1")
        branch_with(town.git, "tt/2", {"two": "2\n"})
        second = town.open("tt/2", marker="item-2")
        spoilt(town, first)
        turns = town.checking(python("tests", "pass"))
        assert [turns.turn(host, NEVER) for _ in range(3)] == [True, True, False]
        assert town.forge.checks(first.url).verdict is Verdict.PENDING
        assert town.forge.checks(second.url).verdict is Verdict.PASSED

    def test_one_that_cannot_be_made_is_tried_again_later(self, town: LocalTown) -> None:
        pull, host = opened(town), town.host("h1")
        obstacle = spoilt(town, pull)
        assert town.checking().turn(host, NEVER)
        obstacle.unlink()
        assert not town.checking().turn(host, NEVER)
        assert town.checking(python("tests", "pass"), at=NOW + WAIT).turn(host, NEVER)
        assert town.forge.checks(pull.url).verdict is Verdict.PASSED

    def test_one_that_can_never_be_made_is_given_up_and_told_until_it_is_asked_for_again(self, town: LocalTown) -> None:
        pull, host = opened(town), town.host("h1")
        town.watched_by("m1", pull.url)
        obstacle = spoilt(town, pull)
        turns = [town.checking(at=NOW + n * WAIT).turn(host, NEVER) for n in range(MOST_TRIES + 1)]
        assert turns == [True] * MOST_TRIES + [False]
        seen = town.forge.checks(pull.url)
        assert seen.verdict is Verdict.UNKNOWN
        assert seen.trouble.startswith("check all: given up after 5 tries: ")
        assert obstacle.name in seen.trouble
        assert town.signal_of("m1", pull.url) is not None
        obstacle.unlink()
        town.forge.recheck(pull.url)
        assert town.checking(python("tests", "pass")).turn(host, NEVER)
        assert town.forge.checks(pull.url).verdict is Verdict.PASSED

    def test_one_that_takes_its_host_with_it_each_time_is_given_up(self, town: LocalTown) -> None:
        pull = opened(town)
        for number in range(MOST_TRIES):
            host = town.host(f"h{number}")
            assert town.checks.claim(host, at=NOW) is not None
            town.checks.release(host, at=NOW)
        assert town.checks.claim(town.host("last"), at=NOW) is None
        trouble = "check all: given up after 5 tries: its host died each time it ran them"
        assert town.forge.checks(pull.url).trouble == trouble

    def test_a_host_that_did_not_learn_that_it_put_one_off_may_tell_it_again(self, town: LocalTown) -> None:
        job = claimed(town)
        town.checks.put_off(job, "disk full", at=NOW)
        town.checks.put_off(job, "disk full", at=NOW)
        assert [kind for kind, _ in town.events()].count("check.put_off") == 1
        with pytest.raises(LeaseLostError):
            town.checks.put_off(job, "another reason", at=NOW)


def spoilt(town: LocalTown, pull: Pull) -> Path:
    """A file in the place of the folder that the checks of this pull request need."""
    obstacle = town.git.folder / ".tt" / "checks" / f"{pull.number}-{pull.head[:12]}"
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.write_text("in the way")
    return obstacle


class TestRun:
    def test_they_run_on_a_clean_worktree_of_the_head_that_goes_away(self, town: LocalTown) -> None:
        job = claimed(town)
        (town.git.folder / "untracked").write_text("x")
        code = (
            "import os, subprocess; print(sorted(os.listdir('.'))); print(subprocess.getoutput('git rev-parse HEAD'))"
        )
        (run,) = town.runner(python("look", code)).run(job)
        files, head = run.output.splitlines()
        assert (run.verdict, head) == (Verdict.PASSED, job.head)
        assert files == "['.git', '.gitignore', 'README.md', 'app.py', 'issues', 'new.py']"
        assert list((town.git.folder / ".tt" / "checks").iterdir()) == []
        assert len(town.git.line("worktree", "list").splitlines()) == 1

    def test_every_check_runs_and_keeps_its_output(self, town: LocalTown) -> None:
        job = claimed(town)
        noisy = python("unit tests", "print('x\\n' * 5000 + 'assert 1 == 2'); raise SystemExit(1)")
        first, second = town.runner(noisy, python("lint", "print('fine')")).run(job)
        assert (first.verdict, first.summary) == (Verdict.FAILED, "exit code 1")
        assert first.output.endswith("assert 1 == 2\n")
        assert len(first.output.splitlines()) <= 200
        assert (second.verdict, second.output) == (Verdict.PASSED, "fine\n")
        logs = sorted((town.git.folder / ".tt" / "logs" / "checks").iterdir())
        assert [log.name.split("-", 2)[2] for log in logs] == ["1-unit-tests.log", "2-lint.log"]
        assert logs[0].read_text().count("\n") == 5001

    def test_old_logs_go(self, town: LocalTown, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "KEPT_LOGS", 3)
        logs = town.git.folder / ".tt" / "logs" / "checks"
        logs.mkdir(parents=True)
        now = time.time()
        for name, age in (("new", 60), ("older", 120), ("oldest", 180), ("ancient", KEPT_LOG_SECS + 60)):
            (logs / f"{name}.log").write_text("x")
            os.utime(logs / f"{name}.log", (now - age, now - age))
        job = claimed(town)
        town.runner(python("tests", "pass")).run(job)
        assert {log.name for log in logs.iterdir()} == {f"1-{job.head[:12]}-1-tests.log", "new.log", "older.log"}
        monkeypatch.setattr(checks, "KEPT_LOGS", 200)
        (logs / "ancient.log").write_text("x")
        os.utime(logs / "ancient.log", (now - KEPT_LOG_SECS - 60,) * 2)
        town.runner(python("tests", "pass")).run(job)
        assert not (logs / "ancient.log").exists()

    def test_a_check_that_hangs_fails_and_its_processes_end(self, town: LocalTown) -> None:
        job = claimed(town)
        code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True); input; import time; time.sleep(60)"
        (run,) = town.runner(python("tests", code, timeout_secs=1)).run(job)
        assert (run.verdict, run.summary) == (Verdict.FAILED, "took longer than 1 s")
        wait_until(lambda: not _runs(int(run.output)), "what the check started is stopped")

    def test_a_program_missing_on_this_machine_is_trouble_and_no_failure(self, town: LocalTown) -> None:
        missing, fine = CheckCommand(name="x", argv=("no-such-program",)), python("y", "pass")
        first, second = town.runner(missing, fine).run(claimed(town))
        assert (first.verdict, second.verdict) == (Verdict.UNKNOWN, Verdict.PASSED)
        assert first.trouble == "no-such-program cannot be started: No such file or directory"

    def test_a_program_missing_in_the_commit_fails_its_check(self, town: LocalTown) -> None:
        (run,) = town.runner(CheckCommand(name="x", argv=("./run-tests",))).run(claimed(town))
        assert (run.verdict, run.trouble) == (Verdict.FAILED, "")
        assert run.summary == "./run-tests cannot be started: No such file or directory"

    def test_stopping_gives_no_result(self, town: LocalTown) -> None:
        job, stop, ended = claimed(town), threading.Event(), []
        runner = town.runner(CheckCommand(name="x", argv=("sleep", "60")))
        thread = threading.Thread(target=lambda: ended.append(runner.run(job, stop)))
        thread.start()
        stop.set()
        thread.join(10)
        assert ended == [()]
        assert list((town.git.folder / ".tt" / "checks").iterdir()) == []

    def test_secrets_the_store_and_the_agents_identity_are_kept_from_them(
        self, town: LocalTown, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hidden = ("GITHUB_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "ANTHROPIC_API_KEY", "REDIS_URL", "TINYTOWN_TASK_ID")
        kept = ("PATH", "HOME", "LANG", "GOFLAGS", "NODE_OPTIONS")
        for name in (*hidden, *kept[1:]):
            monkeypatch.setenv(name, "given")
        code = f"import os; print(*(name for name in {(*hidden, *kept, 'CI')} if name in os.environ))"
        (run,) = town.runner(python("env", code)).run(claimed(town))
        assert run.output.split() == [*kept, "CI"]

    def test_secrets_they_print_are_masked(self, town: LocalTown) -> None:
        code = "print('key: hunter2hunter2'); print('ghp_' + 'a1B2' * 9); raise SystemExit(1)"
        (run,) = town.runner(python("leak", code), secrets=("hunter2hunter2",)).run(claimed(town))
        assert run.output == "key: [redacted]\n[redacted]\n"

    def test_a_worktree_left_by_a_crash_is_made_anew(self, town: LocalTown) -> None:
        job = claimed(town)
        path = town.git.folder / ".tt" / "checks" / f"1-{job.head[:12]}"
        town.git.run("worktree", "add", "--quiet", "--detach", str(path), job.head)
        (path / "left").write_text("x")
        (run,) = town.runner(python("look", "import os; print(os.path.exists('left'))")).run(job)
        assert run.output == "False\n"

    def test_results_are_kept_when_the_worktree_cannot_be_removed(self, town: LocalTown) -> None:
        job = claimed(town)
        lock = str(town.git.folder / ".tt" / "git.lock")
        (run,) = town.runner(python("spoil", f"import os; os.remove({lock!r}); os.mkdir({lock!r})")).run(job)
        assert run.verdict is Verdict.PASSED
        (town.git.folder / ".tt" / "git.lock").rmdir()
        town.runner().sweep()
        assert list((town.git.folder / ".tt" / "checks").iterdir()) == []

    def test_a_starting_host_stops_what_a_crash_left(self, town: LocalTown) -> None:
        job = claimed(town)
        path = town.git.folder / ".tt" / "checks" / f"1-{job.head[:12]}"
        town.git.run("worktree", "add", "--quiet", "--detach", str(path), job.head)
        orphan = subprocess.Popen(["sleep", "60"], env=os.environ | {MARK: str(path)})
        stranger = subprocess.Popen(["sleep", "60"], env=os.environ | {MARK: str(Path("/elsewhere/checks/1-x"))})
        try:
            assert town.runner().sweep() == 1
            assert orphan.wait(10) == -9
            assert stranger.poll() is None
            assert not path.exists()
        finally:
            for process in (orphan, stranger):
                process.kill()
                process.wait()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
