"""What keeps the other tests from leaving anything behind is to be relied on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.chaos.scenario import ACTORS, ChaosTown, closed, simple_issue
from tests.leftovers import end, naming
from tests.waiting import wait_until

from tinytown.store.server import ensure_server, server_pid

REPOSITORY = Path(__file__).parents[2]


def test_processes_are_known_by_folder_arguments_and_environment(tmp_path: Path) -> None:
    wait = (sys.executable, "-c", "input()")
    made = [
        subprocess.Popen(wait, stdin=subprocess.PIPE, cwd=tmp_path),
        subprocess.Popen((*wait, str(tmp_path / "x")), stdin=subprocess.PIPE),
        subprocess.Popen(wait, stdin=subprocess.PIPE, env={**os.environ, "X": str(tmp_path / "x")}),
    ]
    other = subprocess.Popen(wait, stdin=subprocess.PIPE, cwd=tmp_path.parent)
    try:
        wait_until(lambda: len(naming(f"{tmp_path}/")) == 3, "all of them are seen")
        assert len(end(f"{tmp_path}/")) == 3
        assert [process.wait(10) for process in made] == [-signal.SIGKILL] * 3
        assert other.poll() is None
    finally:
        for process in (*made, other):
            process.kill()
            process.communicate()


def test_a_server_is_found_before_it_has_a_pid_file_and_when_its_folder_is_gone(tmp_path: Path) -> None:
    town = tmp_path / "town"
    town.mkdir()
    ensure_server(town)
    server = psutil.Process(server_pid(town))
    (town / ".tt" / "redis" / "redis.pid").unlink()
    assert server_pid(town) is None
    assert naming(f"{tmp_path}/") == [server]
    shutil.rmtree(town)
    assert naming(f"{tmp_path}/") == [server]
    assert len(end(f"{tmp_path}/")) == 1


class Interrupted(BaseException):
    """Stands for Ctrl-C."""


def interrupted(folder: Path) -> None:
    """A test that is broken off while a server is just being started."""
    with closed(ChaosTown.found(folder / "repo", simple_issue(), settings=ACTORS)) as town:
        town.tt("spawn", "ann", "--cli", "patient", "--role", "designer")
        town.start(1)
        town.dispatch()
        wait_until(lambda: town.told("started"), "the agent is at work", 20)
        assert town.server is not None
        (town.state / "redis" / "redis.pid").unlink()  # as when it was forked a moment ago
        raise Interrupted


def test_a_test_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        interrupted(tmp_path)
    assert naming(f"{tmp_path}/") == []


KILLED = """
import sys
from pathlib import Path
from tinytown.store.server import ensure_server


def test_that_is_killed(tmp_path):
    ensure_server(tmp_path)
    Path({told!r}).write_text(str(tmp_path))
    sys.stdin.read()
"""


def test_when_pytest_is_killed_the_guard_ends_what_was_left(tmp_path: Path) -> None:
    told, base = tmp_path / "told", tmp_path / "base"
    test = REPOSITORY / "tests" / "chaos" / f"test_killed_{os.getpid()}.py"
    test.write_text(KILLED.format(told=str(told)))
    try:
        argv = (sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", f"--basetemp={base}", str(test))
        run = subprocess.Popen(argv, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        wait_until(told.exists, "the test runs", 30)
        server = psutil.Process(server_pid(Path(told.read_text())))
        run.kill()
        run.communicate()
    finally:
        test.unlink()
    wait_until(lambda: not server.is_running(), "the guard has ended the server", 20)
    wait_until(lambda: naming(f"{tmp_path}/") == [], "and itself")
