"""Failing assertions of the helpers show their values; and nothing is left running, however a test ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.leftovers import end

pytest.register_assert_rewrite("tests.chaos.verdict", "tests.chaos.scenario")


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, guard: None) -> Iterator[None]:
    """A test that leaves a process of its folder running fails; the process is ended, also when the test has failed."""
    yield
    assert end(f"{tmp_path}/") == []
