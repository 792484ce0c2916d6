"""A Redis server that goes away for a while."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.conftest import TownCalls, end
from tests.waiting import wait_until

from tinytown.store.server import ensure_server, stop_server


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """The folder of a server that is not the town's own."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    yield folder
    stop_server(folder)


@pytest.fixture
def running(town: TownCalls, elsewhere: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`tt mission run` that waits for an agent; what it logs is in run.log."""
    url = ensure_server(elsewhere)
    town.issue(1, "Design")
    with (tmp_path / "run.log").open("w") as log:
        run = town.start("mission", "run", "-i", "1", REDIS_URL=url, stderr=log)
        try:
            wait_until(lambda: town.json("status", REDIS_URL=url)["dispatchers"], (tmp_path / "run.log").read_text())
            yield run
        finally:
            if run.poll() is None:
                end(run)
            for stream in (run.stdout, run.stderr):
                if stream is not None:
                    stream.close()


def test_a_mission_that_is_followed_outlives_an_outage(
    town: TownCalls, elsewhere: Path, running: subprocess.Popen[str], tmp_path: Path
) -> None:
    stop_server(elsewhere)
    log = tmp_path / "run.log"
    wait_until(lambda: "action=store_unavailable" in log.read_text(), "the outage is noticed")
    url = ensure_server(elsewhere)
    wait_until(lambda: "action=store_back" in log.read_text(), "it goes on", timeout_secs=20)
    assert running.poll() is None
    assert log.read_text().count("action=store_unavailable") == 1
    town.ok("mission", "list", REDIS_URL=url)
    code, out, _ = end(running)
    assert code == 130, log.read_text()
    assert "go on with: tt mission dispatch" in out


def test_a_mission_that_is_followed_can_be_left_while_the_store_is_away(
    elsewhere: Path, running: subprocess.Popen[str], tmp_path: Path
) -> None:
    stop_server(elsewhere)
    log = tmp_path / "run.log"
    wait_until(lambda: "action=store_unavailable" in log.read_text(), "the outage is noticed")
    code, out, _ = end(running)
    assert code == 130, log.read_text()
    assert "go on with: tt mission dispatch" in out
