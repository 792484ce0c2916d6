"""Failing assertions of the helpers show their values; and nothing is left running, however a test ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.leftovers import end

pytest.register_assert_rewrite("tests.chaos.verdict", "tests.chaos.scenario")


@pytest.fixture(scope="session", autouse=True)
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Ends what the session has left running should pytest itself be killed."""
    argv = (sys.executable, "-m", "tests.chaos.leftovers", str(tmp_path_factory.getbasetemp()))
    root = Path(__file__).parents[2]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, cwd=root, start_new_session=True) as process:
        assert process.stdin is not None
        yield
        process.stdin.write(b"done\n")
    assert process.returncode == 0


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """A test that leaves a process of its folder running fails; the process is ended, also when the test has failed."""
    yield
    assert end(f"{tmp_path}/") == []
