"""A command of the repository's owner (a check, a hook): in a process group of its own, with limits, output kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tinytown.domain.errors import GitError

GRACE_SECS = 2.0
"""How long a command may take to end after TERM, before KILL."""

OUTPUT_LIMIT_BYTES = 50_000_000
"""What a command may print before it is stopped; it would fill the disk."""

TAIL_BYTES = 16_384
TAIL_LINES = 200

_FIRST_LOOK_SECS = 0.001
_LONGEST_LOOK_SECS = 0.05
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class CommandRun(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended."""

    reason: str
    """Why it did not succeed, one line; empty when it did."""
    tail: str
    """The end of what it printed, without control characters."""
    log: Path
    """All of what it printed."""
    is_stopped: bool = False
    """Whether it was stopped on request, so that its end says nothing."""
    is_started: bool = True
    """Whether the program could be started."""

    @property
    def is_ok(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return not self.reason


def run_command(
    argv: tuple[str, ...],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    timeout_secs: float,
    stop: threading.Event | None = None,
) -> CommandRun:
    """Run `argv` to its end and leave none of its processes behind.

    Args:
        argv: program and arguments; never a shell line.
        cwd: where it runs.
        env: its whole environment.
        log: file that gets its standard output and error; overwritten.
        timeout_secs: after which its process group is stopped.
        stop: set by another thread to stop it.

    Raises:
        GitError: the log cannot be written.
    """
    with _writable(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("wb")
    with output:
        try:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            reason = f"{argv[0]} cannot be started: {error.strerror}"
            return CommandRun(reason=reason, tail="", log=log, is_started=False)
        requested = stop or threading.Event()
        try:
            reason = _await(process, output.fileno(), timeout_secs, requested)
        finally:
            stop_group(process)
    with _writable(log):
        end = tail(log)
    is_stopped = reason == _STOPPED
    return CommandRun(reason=reason or _exit_reason(process.returncode), tail=end, log=log, is_stopped=is_stopped)


@contextmanager
def _writable(log: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GitError(f"{log} cannot be written: {error.strerror}") from error


_STOPPED = "was stopped"


def _await(process: subprocess.Popen[bytes], output: int, timeout_secs: float, stop: threading.Event) -> str:
    """Wait for the end of the process; why it must be stopped, or nothing when it ended by itself."""
    deadline = time.monotonic() + timeout_secs
    look = _FIRST_LOOK_SECS
    while process.poll() is None:
        if stop.wait(look):
            return _STOPPED
        if time.monotonic() > deadline:
            return f"took longer than {timeout_secs:g} s"
        if os.fstat(output).st_size > OUTPUT_LIMIT_BYTES:
            return f"printed more than {OUTPUT_LIMIT_BYTES // 1_000_000} MB"
        look = min(look * 2, _LONGEST_LOOK_SECS)
    return ""


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """Stop the process and all of its group: TERM, a grace period, KILL."""
    if process.poll() is None:
        _signal(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE_SECS)
        except subprocess.TimeoutExpired:
            _signal(process.pid, signal.SIGKILL)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError:  # macOS says so of a group whose members have all ended
        return


def _exit_reason(code: int) -> str:
    if code == 0:
        return ""
    return f"exit code {code}" if code > 0 else f"ended by signal {signal.Signals(-code).name}"


def tail(log: Path, *, max_bytes: int = TAIL_BYTES, max_lines: int = TAIL_LINES) -> str:
    """The end of a log file as text: no escape sequences, at most so many lines and bytes."""
    with log.open("rb") as source:
        size = source.seek(0, os.SEEK_END)
        source.seek(max(0, size - max_bytes))
        text = source.read().decode("utf-8", "replace")
    lines = _CONTROL.sub("", text.replace("\r\n", "\n")).split("\n")
    if size > max_bytes:
        lines = lines[1:] if len(lines) > 1 else lines
    kept = lines[-max_lines - 1 :] if lines[-1] == "" else lines[-max_lines:]
    return "\n".join(kept)
