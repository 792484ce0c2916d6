"""`tt stop` when what it could ask is broken or away: locks and process ids in `.tt` are enough."""

from __future__ import annotations

import fcntl
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


def runs(town: TownCalls, **env: str) -> None:
    """An agent and a dispatcher run in the town."""
    town.ok("spawn", "backend", "--cli", "demo", cwd=None, **env)
    town.issue(1, "Design")
    wait_until(lambda: _state(town, **env) == "idle", "the host has the agent")


def _state(town: TownCalls, **env: str) -> str:
    return str(town.json("list", **env)["agents"][0]["state"])


def test_stop_needs_no_valid_settings(town: TownCalls) -> None:
    runs(town)
    dispatcher = town.start("mission", "dispatch")
    wait_until(lambda: town.json("status")["dispatchers"], "the dispatcher is there")
    settings = town.root / "tinytown.toml"
    sound = settings.read_text()
    settings.write_text('[town]\nname = "shop\n')
    done = town.tt("stop")
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["dispatcher", "agents", "host", "server"]
    assert done.stdout.count("stopped") >= 4
    assert "tinytown.toml:2:13" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert town.processes() == []
    assert end(dispatcher)[0] == 0
    settings.write_text(sound)
    assert town.agent("backend")["state"] == "cold"


def test_stop_needs_no_settings_at_all(town: TownCalls) -> None:
    runs(town)
    settings = town.root / "tinytown.toml"
    sound = settings.read_text()
    settings.unlink()
    below = town.root / "deep"
    below.mkdir()
    done = town.tt("stop", cwd=below)
    settings.write_text(sound)
    assert done.returncode == 0, done.stderr
    assert town.processes() == []


def test_stop_needs_no_store(town: TownCalls, elsewhere: Path) -> None:
    url = ensure_server(elsewhere)
    runs(town, REDIS_URL=url)
    dispatcher = town.start("mission", "dispatch", REDIS_URL=url)
    wait_until(lambda: town.json("status", REDIS_URL=url)["dispatchers"], "the dispatcher is there")
    stop_server(elsewhere)
    done = town.tt("stop", REDIS_URL=url)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["dispatcher", "agents", "host", "server"]
    assert "could not be reached" in done.stderr
    assert str(elsewhere) in done.stderr
    assert town.processes() == []
    end(dispatcher)


def test_a_host_that_never_found_its_store_is_stopped_too(town: TownCalls) -> None:
    away = "redis://127.0.0.1:1/0"
    host = town.start("host", REDIS_URL=away)
    wait_until((town.root / ".tt" / "host.lock").exists, "the host has its lock")
    done = town.tt("stop", REDIS_URL=away)
    assert done.returncode == 0, done.stderr
    assert "host: stopped" in done.stdout
    assert host.wait(timeout=30) == 0
    end(host)


def test_stop_leaves_the_dispatchers_of_other_folders_alone(town: TownCalls, elsewhere: Path, tmp_path: Path) -> None:
    url = ensure_server(elsewhere)
    town.git.run("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = TownCalls(tmp_path / "clone", town.env)
    other = clone.start("mission", "dispatch", REDIS_URL=url)
    wait_until(lambda: town.json("status", REDIS_URL=url)["dispatchers"], "the dispatcher is there")
    assert "dispatcher" not in town.ok("stop", REDIS_URL=url)
    assert other.poll() is None
    assert end(other)[0] == 0


def test_stop_names_what_still_runs_and_stops_the_rest(town: TownCalls) -> None:
    runs(town)
    folder = town.root / ".tt" / "dispatchers"
    folder.mkdir()
    with (folder / "unknown.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = town.tt("stop")
    assert done.returncode == 1
    assert "host: stopped" in done.stdout
    assert "unknown.lock" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "server: left alone, for what still runs" in done.stdout
    assert "server: stopped" in town.ok("stop")
    assert town.processes() == []
