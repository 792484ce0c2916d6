from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import psutil
import pytest
from tests.waiting import wait_until

from tinytown.domain.errors import GitError
from tinytown.repository import command
from tinytown.repository.command import CommandRun, run_command

FORKING = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"


def run(tmp_path: Path, *argv: str, timeout_secs: float = 20, stop: threading.Event | None = None) -> CommandRun:
    log = tmp_path / "logs" / "one.log"
    return run_command(argv, cwd=tmp_path, env=dict(os.environ), log=log, timeout_secs=timeout_secs, stop=stop)


def test_output_of_both_streams_is_kept(tmp_path: Path) -> None:
    done = run(tmp_path, sys.executable, "-c", "import os; os.write(1, b'out\\n'); os.write(2, b'err\\n')")
    assert (done.is_ok, done.tail, done.log.read_text()) == (True, "out\nerr\n", "out\nerr\n")


def test_an_exit_code_and_a_signal_are_reasons(tmp_path: Path) -> None:
    assert run(tmp_path, "false").reason == "exit code 1"
    assert run(tmp_path, sys.executable, "-c", "import os; os.kill(os.getpid(), 9)").reason == "ended by signal SIGKILL"


def test_a_program_that_does_not_exist_is_a_reason(tmp_path: Path) -> None:
    assert run(tmp_path, "no-such-program").reason == "no-such-program cannot be started: No such file or directory"


def test_a_log_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    with pytest.raises(GitError, match=r"logs/one\.log cannot be written: File exists"):
        run(tmp_path, "true")


def test_a_timeout_stops_the_whole_group(tmp_path: Path) -> None:
    done = run(tmp_path, sys.executable, "-c", FORKING, timeout_secs=1.0)
    assert done.reason == "took longer than 1 s"
    child = int(done.tail)
    wait_until(lambda: not _is_alive(child), "the grandchild is stopped")


def test_a_process_left_in_the_background_ends_with_the_command(tmp_path: Path) -> None:
    done = run(tmp_path, sys.executable, "-c", FORKING.replace("p.wait()", ""))
    assert done.is_ok
    child = int(done.tail)
    wait_until(lambda: not _is_alive(child), "the background process is stopped")


def test_another_thread_can_stop_it(tmp_path: Path) -> None:
    stop, ended = threading.Event(), []
    thread = threading.Thread(target=lambda: ended.append(run(tmp_path, "sleep", "60", stop=stop)))
    thread.start()
    stop.set()
    thread.join(10)
    assert [(done.is_stopped, done.is_ok) for done in ended] == [(True, False)]


def test_endless_output_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "OUTPUT_LIMIT_BYTES", 1_000_000)
    assert run(tmp_path, "yes").reason == "printed more than 1 MB"


def test_the_tail_is_short_whole_lines_without_escape_sequences(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(b"\x1b[31mline %d\x1b[0m\r\n" % number for number in range(1000)))
    assert command.tail(log, max_lines=2) == "line 998\nline 999\n"
    assert command.tail(log, max_bytes=30) == "line 999\n"


def test_bytes_that_are_no_text_do_not_hurt(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\xff\x00ok")
    assert command.tail(log) == "\ufffdok"


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
