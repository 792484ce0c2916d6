"""`tt doctor` as a process, in towns that are well and in broken ones."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from tests.acceptance.conftest import TownCalls
from tests.peers.exchange import refused
from tests.peers.github import GitHub
from tests.peers.samples import Sample
from tests.waiting import wait_until

from tinytown import __version__
from tinytown.runtime.environment import RUN_MARKER, TOWN_MARKER


@pytest.fixture
def town(town: TownCalls) -> TownCalls:
    """A town whose agents need no program that may not be here."""
    town.env["TINYTOWN_AGENT__DEFAULT_CLI"] = "demo"
    return town


def findings(town: TownCalls, *args: str, **env: str) -> list[dict[str, Any]]:
    """What `tt doctor --json` finds; its exit code and `is_well` must fit."""
    town.env |= env
    done = town.tt("doctor", "--json", *args)
    answer = msgspec.json.decode(done.stdout)
    is_well = all(one["health"] != "problem" for one in answer["findings"])
    assert (answer["is_well"], done.returncode) == (is_well, 0 if is_well else 1), done.stderr
    found: list[dict[str, Any]] = answer["findings"]
    assert all(one["advice"] for one in found if one["health"] != "ok")
    return found


def bad(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["area"], one["health"], one["text"]) for one in found if one["health"] != "ok"]


def mended(found: list[dict[str, Any]]) -> list[str]:
    return [one["mended"] for one in found if one["mended"]]


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_town_that_is_well_is_told_so(town: TownCalls) -> None:
    town.ok("status")

    done = town.tt("doctor")

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "all is well"
    for area in ("settings", "server", "git", "forge", "agents", "folders", "leftovers"):
        assert f"✅ {area}" in done.stdout
    assert "it takes writes" in done.stdout
    assert f"demo (the default): demo agent: {__version__}" in done.stdout


def test_it_starts_no_server_and_changes_nothing(town: TownCalls) -> None:
    before = sorted(str(path) for path in (town.root / ".tt").rglob("*"))

    assert bad(findings(town)) == []

    assert sorted(str(path) for path in (town.root / ".tt").rglob("*")) == before
    assert town.processes() == []


def test_without_a_town_there_is_nothing_to_look_at(repository: TownCalls) -> None:
    done = repository.tt("doctor")

    assert (done.returncode, done.stdout) == (2, "")
    assert "no town here" in done.stderr


def test_broken_settings_are_the_problem_and_the_rest_is_looked_at(town: TownCalls) -> None:
    (town.root / "tinytown.toml").write_text("[town\n")

    found = findings(town)

    ((area, health, text), dirty) = bad(found)
    assert (area, health) == ("settings", "problem")
    assert "tinytown.toml:1" in text
    assert dirty[2] == "this checkout has changes that are not committed"
    assert {"git", "folders", "leftovers"} <= {one["area"] for one in found}
    town.git.run("checkout", "--quiet", "tinytown.toml")


def test_a_store_that_is_away_is_a_problem_and_the_rest_is_looked_at(town: TownCalls) -> None:
    found = findings(town, REDIS_URL="redis://user:hidden@127.0.0.1:9/0")

    ((area, health, text),) = bad(found)
    assert (area, health) == ("server", "problem")
    assert "connection refused" in text
    assert "hidden" not in str(found)
    assert {"git", "agents", "folders", "leftovers"} <= {one["area"] for one in found}
    del town.env["REDIS_URL"]


def test_what_answers_and_is_not_redis_is_a_problem(town: TownCalls, github: GitHub) -> None:
    port = github.url.rpartition(":")[2]

    ((area, health, _),) = bad(findings(town, REDIS_URL=f"redis://127.0.0.1:{port}"))

    assert (area, health) == ("server", "problem")
    del town.env["REDIS_URL"]


def test_clis_that_are_missing_broken_or_stuck_are_told_apart(town: TownCalls, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    program(tools, "works", "echo works 1.2")
    program(tools, "fails", "echo cannot load >&2; exit 3")
    program(tools, "stuck", "sleep 60")
    (tools / "odd").write_text("not a program")
    (tools / "odd").chmod(0o755)
    names = ("works", "fails", "stuck", "odd", "gone")
    tables = "".join(f'[agent_clis.{name}]\ncommand = ["{name}"]\nprompt = "stdin"\n' for name in names)
    roles = "".join(f'{name} = "{name}"\n' for name in names)
    settings = town.root / "tinytown.toml"
    settings.write_text(f'{settings.read_text()}\n[agent.roles]\n{roles}missing = "nobody"\n{tables}')

    began = time.monotonic()
    found = [one for one in findings(town, PATH=f"{tools}:{town.env['PATH']}") if one["area"] == "agents"]

    assert time.monotonic() - began < 15
    told = {one["text"].split(" ")[0]: (one["health"], one["text"]) for one in found}
    assert told["works"] == ("ok", "works (role works): works 1.2")
    assert told["fails"] == ("warning", "fails (role fails): `--version` ends with 3: cannot load")
    assert told["stuck"] == ("warning", "stuck (role stuck): says no version within 5 s")
    assert told["odd"][0] == "problem"
    assert told["gone"] == ("problem", "gone (role gone): the program gone is not on PATH")
    assert any("no agent CLI 'nobody'" in one["text"] and one["health"] == "problem" for one in found)
    town.git.run("checkout", "--quiet", "tinytown.toml")


def test_the_clis_of_spawned_agents_are_looked_for_too(town: TownCalls, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    program(tools, "codex", "echo codex 1")
    town.env["PATH"] = f"{tools}:{town.env['PATH']}"
    town.ok("spawn", "backend", "--cli", "codex")

    assert any(one["text"] == "codex (agent backend): codex 1" for one in findings(town))
    town.ok("stop")
    town.ok("status")
    (tools / "codex").unlink()
    if shutil.which("codex", path=town.env["PATH"]) is None:
        assert ("agents", "problem", "codex (agent backend): the program codex is not on PATH") in bad(findings(town))


def test_folders_that_others_may_look_into_are_closed(town: TownCalls) -> None:
    state = town.root / ".tt"
    state.chmod(0o755)

    ((area, health, text),) = bad(findings(town))
    assert (area, health) == ("folders", "warning")
    assert "others of this machine may look into" in text
    assert state.stat().st_mode & 0o777 == 0o755

    assert mended(findings(town, "--fix")) == ["took others' rights to it away (it had 755)"]
    assert state.stat().st_mode & 0o777 == 0o700
    assert bad(findings(town)) == []


def test_a_secret_that_others_may_read_is_told_and_never_shown(town: TownCalls) -> None:
    (town.root / ".tt" / "hook").write_text("very-secret-indeed-1234567890\n")
    (town.root / ".tt" / "hook").chmod(0o644)

    found = findings(town, TINYTOWN_FORGE__WEBHOOK_SECRET_FILE=".tt/hook")

    ((area, health, text),) = bad(found)
    assert (area, health) == ("folders", "warning")
    assert ".tt/hook" in text
    assert "very-secret" not in str(found)


def test_a_lock_that_a_killed_git_left_is_removed(town: TownCalls) -> None:
    lock = town.root / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (time.time() - 60, time.time() - 60))

    ((area, health, text),) = bad(findings(town))
    assert (area, health) == ("leftovers", "warning")
    assert str(lock) in text
    assert lock.exists()

    assert mended(findings(town, "--fix")) == [f"removed {lock}"]
    assert not lock.exists()


def test_a_socket_of_a_dead_server_is_removed(town: TownCalls) -> None:
    town.ok("status")
    pid = int((town.root / ".tt" / "redis" / "redis.pid").read_text())
    server = psutil.Process(pid)
    server.send_signal(signal.SIGKILL)
    wait_until(lambda: not server.is_running(), "the server is dead")

    ((area, health, text),) = bad(findings(town))
    assert (area, health) == ("leftovers", "warning")
    assert "redis.sock is of a server that is dead" in text

    assert mended(findings(town, "--fix")) == [f"removed {town.root}/.tt/redis.sock"]
    assert bad(findings(town)) == []
    town.ok("status")


def test_worktrees_whose_folders_are_gone_are_forgotten(town: TownCalls) -> None:
    folder = town.root / ".tt" / "worktrees" / "1"
    town.git.run("worktree", "add", "--quiet", "-b", "tt/1", str(folder))
    shutil.rmtree(folder)

    assert bad(findings(town)) == [("leftovers", "warning", "git lists 1 worktrees whose folders are gone")]
    assert mended(findings(town, "--fix")) == ["had git forget 1"]
    assert bad(findings(town)) == []
    assert town.git.find_branch("tt/1") is not None


def test_processes_that_a_dead_host_left_are_stopped(town: TownCalls) -> None:
    town.ok("status")
    marked = {RUN_MARKER: "run-1", TOWN_MARKER: str(town.root)}
    left = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"],
        env={**town.env, **marked},
        start_new_session=True,
    )
    try:
        expected = ("leftovers", "warning", "1 processes that a dead host left still run")
        wait_until(lambda: expected in bad(findings(town)), "the process is seen")

        assert mended(findings(town, "--fix")) == ["stopped 1"]
        left.wait(10)
    finally:
        left.kill()
        left.wait()


def test_large_logs_are_put_aside(town: TownCalls) -> None:
    logs = town.root / ".tt" / "logs" / "agents"
    logs.mkdir(parents=True)
    with (logs / "backend.log").open("wb") as log:
        log.truncate(30_000_000)

    assert bad(findings(town)) == [("leftovers", "warning", "1 prompts of long ago or large logs")]
    assert mended(findings(town, "--fix")) == ["removed or put aside 1"]
    assert (logs / "backend.log.1").exists()


def test_a_folder_that_is_no_git_checkout_any_more_is_told(town: TownCalls) -> None:
    shutil.move(town.root / ".git", town.root / "was-git")

    found = bad(findings(town))

    assert ("git", "problem", f"{town.root} is not a git checkout") in found
    shutil.move(town.root / "was-git", town.root / ".git")


def test_the_state_of_the_checkout_is_told(town: TownCalls) -> None:
    town.git.run("checkout", "--quiet", "--detach")
    (town.root / ".git" / "MERGE_HEAD").write_text(f"{town.git.rev_parse('HEAD')}\n")
    (town.root / ".gitignore").write_text("")

    told = [text for area, _, text in bad(findings(town)) if area == "git"]

    assert "a merge is not finished in this checkout" in told
    assert "HEAD is detached in this checkout" in told
    assert ".tt/ is not ignored: it could be committed" in told


@pytest.fixture
def on_github(town: TownCalls, github: GitHub) -> TownCalls:
    """A town on the tests' GitHub, with a token for it."""
    settings = town.root / "tinytown.toml"
    kind = f'kind = "github"\nrepository = "octo/town"\napi_url = "{github.url}"'
    settings.write_text(settings.read_text().replace('kind = "local"', kind))
    town.git.run("commit", "--quiet", "-am", "Be on GitHub")
    town.git.run("remote", "add", "origin", str(github.bare.folder))
    town.env["GITHUB_TOKEN"] = "tok-octo"
    return town


def test_github_is_looked_at_without_changing_anything_there(on_github: TownCalls, github: GitHub) -> None:
    branches = github.bare.branches()

    found = findings(on_github)

    assert bad(found) == []
    told = " | ".join(one["text"] for one in found)
    for part in (
        "acts by the token in GITHUB_TOKEN",
        "octo/town (public) can be read; pull requests go into main",
        "the token has the scopes repo, workflow",
        "can read pull requests, issues, check runs, commit statuses, rules of branches",
        "git can read origin and may push there",
        "no secret for webhooks",
    ):
        assert part in told
    assert "tok-octo" not in told
    assert github.bare.branches() == branches
    assert {one.request.method for one in github.seen} == {"GET"}


def test_a_token_that_is_refused_is_a_problem_and_git_is_asked_all_the_same(on_github: TownCalls) -> None:
    found = findings(on_github, GITHUB_TOKEN="tok-wrong")

    assert bad(found) == [("forge", "problem", "GitHub refuses the token")]
    assert any("may push there" in one["text"] for one in found)


def test_without_a_token_it_says_where_to_put_one(on_github: TownCalls, tmp_path: Path) -> None:
    del on_github.env["GITHUB_TOKEN"]
    tools = tmp_path / "tools"
    program(tools, "gh", "exit 1")

    ((area, health, text),) = bad(findings(on_github, PATH=f"{tools}:{on_github.env['PATH']}"))

    assert (area, health) == ("forge", "problem")
    assert "set GITHUB_TOKEN" in text


def test_a_forge_and_a_store_that_are_away_do_not_keep_it_from_the_rest(on_github: TownCalls, github: GitHub) -> None:
    github.samples.append(Sample("GET", "/repos/octo/town", refused(503, "down")))

    found = findings(on_github, REDIS_URL="redis://127.0.0.1:9")

    assert {(area, health) for area, health, _ in bad(found)} == {("server", "problem"), ("forge", "problem")}
    assert any(one["area"] == "leftovers" for one in found)
    del on_github.env["REDIS_URL"]


def test_a_remote_that_cannot_be_pushed_to_is_a_problem(on_github: TownCalls, tmp_path: Path) -> None:
    on_github.git.run("remote", "set-url", "origin", str(tmp_path / "nowhere"))

    ((area, health, _),) = bad(findings(on_github))

    assert (area, health) == ("git", "problem")
