"""Running the checks of a local pull request: the repository's own commands, on a clean worktree of its head."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import structlog

from tinytown.domain.errors import GitError
from tinytown.domain.pull import CheckRun
from tinytown.domain.workitem import Verdict
from tinytown.repository.checkout import checkout_at
from tinytown.repository.command import CommandRun, run_command
from tinytown.repository.folder import remove_folder
from tinytown.repository.git import Git, clean_environment
from tinytown.repository.lock import locked
from tinytown.store.checks import CheckJob

log = structlog.get_logger("tinytown.checks")

MARK = "TINYTOWN_CHECK"
"""Environment variable by which the processes of a check are found after a crash; its value is their worktree."""

KEPT_LOGS = 200
KEPT_LOG_SECS = 14 * 24 * 3600
"""Logs of checks go when there are more, or when they are older; the end of each is in the store besides."""

_FOLDER = "checks"
_KILL_SECS = 5.0
_POLL_SECS = 0.01


class CheckCommand(msgspec.Struct, frozen=True, kw_only=True):
    """One configured check."""

    name: str
    argv: tuple[str, ...]
    timeout_secs: float = 600.0


class CheckRunner:
    """Runs checks. Its methods block; use them from a worker thread where others must not wait."""

    def __init__(
        self,
        git: Git,
        state_folder: Path,
        commands: tuple[CheckCommand, ...],
        *,
        is_hidden: Callable[[str], bool] = lambda _name: False,
        redact: Callable[[str], str] = lambda text: text,
    ) -> None:
        """Make a runner.

        Args:
            git: the repository.
            state_folder: `.tt`.
            commands: what is run, in this order.
            is_hidden: whether the commands do not get the environment variable of that name; they run what an agent
                wrote, and what they print is shown to agents.
            redact: masks secrets in what they print.
        """
        self._git = git
        self._folder = state_folder / _FOLDER
        self._logs = state_folder / "logs" / "checks"
        self._lock = state_folder / "git.lock"
        self._commands = commands
        self._is_hidden = is_hidden
        self._redact = redact

    def run(self, job: CheckJob, stop: threading.Event | None = None) -> tuple[CheckRun, ...]:
        """Run every check on the job's commit. A failed one does not keep the others from running.

        Args:
            job: what is checked.
            stop: set it from another thread to stop; the answer is then empty, as nothing is known.

        Raises:
            GitError: the worktree cannot be made, or a log not be written.
        """
        name = f"{job.number}-{job.head[:12]}"
        path = self._folder / name
        runs: list[CheckRun] = []
        with self._worktree(path, job.head):
            for position, command in enumerate(self._commands, start=1):
                output = self._logs / f"{name}-{position}-{_slug(command.name)}.log"
                done = run_command(
                    command.argv,
                    cwd=path,
                    env=self._environment(path),
                    log=output,
                    timeout_secs=command.timeout_secs,
                    stop=stop,
                )
                if done.is_stopped:
                    return ()
                runs.append(_result(command, done, self._redact))
        self._forget_logs()
        return tuple(runs)

    def _forget_logs(self) -> None:
        """Remove the oldest logs, past a number and an age, so that they do not fill the disk."""
        before = time.time() - KEPT_LOG_SECS
        try:
            ages = sorted(((file.stat().st_mtime, file) for file in self._logs.glob("*.log")), reverse=True)
            for count, (written, file) in enumerate(ages, start=1):
                if count > KEPT_LOGS or written < before:
                    file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("old logs of checks are left", action="check_logs_left", reason=str(error))

    def sweep(self) -> int:
        """Stop the processes and remove the worktrees of checks that a crash left; how many processes.

        Only for a host that starts: it must be the only one of this town on the machine, and run no checks yet.
        """
        count = stop_left_checks(self._folder.parent)
        left = sorted(path for path in self._folder.iterdir() if path.is_dir()) if self._folder.is_dir() else []
        for path in left:
            self._clear_away(path)
        return count

    @contextmanager
    def _worktree(self, path: Path, head: str) -> Iterator[None]:
        self._remove(path)
        with locked(self._lock):
            self._git.run("worktree", "add", "--quiet", "--detach", str(path), head)
        try:
            yield
        finally:
            self._clear_away(path)

    def _clear_away(self, path: Path) -> None:
        """Remove the worktree; one that cannot be removed is in nobody's way and waits for the next host."""
        try:
            self._remove(path)
        except GitError as error:
            log.warning("worktree of a check is left", action="check_left", reason=error.message)

    def _remove(self, path: Path) -> None:
        """Nobody but checks works there, so nothing is lost with it."""
        with locked(self._lock):
            remove_folder(path)
            if checkout_at(self._git, path) is not None:
                self._git.run("worktree", "remove", "--force", "--force", str(path))

    def _environment(self, path: Path) -> Mapping[str, str]:
        """Ours, without secrets and without what would make a `tt` in a check act for an agent or on this town."""
        kept = {
            name: value
            for name, value in clean_environment().items()
            if not self._is_hidden(name) and not name.startswith("TINYTOWN_")
        }
        return kept | {"CI": "true", MARK: str(path)}


def stop_left_checks(state_folder: Path) -> int:
    """Stop the processes of checks whose host was killed; how many. Only while no host of the town runs here.

    Args:
        state_folder: `.tt`.
    """
    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK, "")
            if mark and Path(mark).parent == state_folder / _FOLDER:
                process.kill()
                found.append(process)
        except (psutil.Error, OSError):
            continue
    deadline = time.monotonic() + _KILL_SECS
    while any(_lives(process) for process in found) and time.monotonic() < deadline:
        time.sleep(_POLL_SECS)
    return len(found)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _result(command: CheckCommand, done: CommandRun, redact: Callable[[str], str]) -> CheckRun:
    """A program that is missing on this machine is no fault of the commit; one that the commit should hold is."""
    program = command.argv[0]
    if not done.is_started and (Path(program).is_absolute() or os.sep not in program):
        return CheckRun(name=command.name, verdict=Verdict.UNKNOWN, summary=done.reason, trouble=done.reason)
    verdict = Verdict.PASSED if done.is_ok else Verdict.FAILED
    return CheckRun(name=command.name, verdict=verdict, summary=done.reason or "passed", output=redact(done.tail))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or "check"
