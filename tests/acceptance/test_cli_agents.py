"""Agents as people see them: spawned, given work, talked to, stopped."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.acceptance.conftest import TownCalls, end
from tests.waiting import wait_until


def spawn(town: TownCalls, name: str, *options: str) -> None:
    town.ok("spawn", name, "--cli", "demo", *options)
    wait_until(lambda: town.agent(name)["state"] == "idle", f"{name} is idle")


def as_agent(town: TownCalls, name: str) -> dict[str, str]:
    """The environment of a `tt` that the agent's CLI calls."""
    return {"TINYTOWN_AGENT_ID": town.agent(name)["id"], "TINYTOWN_AGENT_NAME": name}


def test_spawned_agent_becomes_idle_and_is_listed(town: TownCalls) -> None:
    assert "🌱 Spawned backend (demo, role backend)" in town.ok("spawn", "backend", "--cli", "demo", "--nickname", "Bo")
    wait_until(lambda: town.agent("backend")["state"] == "idle", "backend is idle")
    agent = town.agent("backend")
    assert (agent["cli"], agent["role"], agent["nickname"]) == ("demo", "backend", "Bo")
    assert (agent["rounds_completed"], agent["tasks_completed"], agent["inbox_len"], agent["urgent_len"]) == (
        0,
        0,
        0,
        0,
    )
    assert re.search(r"backend \(Bo\) +idle +backend +demo +0 +0 +0 +0", town.ok("list"))


def test_agent_spawned_by_an_agent_has_it_as_parent(town: TownCalls) -> None:
    spawn(town, "lead")
    town.ok("spawn", "helper", "--cli", "demo", cwd=None, **as_agent(town, "lead"))
    assert town.agent("helper")["parent"] == "lead"


def test_assigned_task_is_run_and_its_output_is_in_the_log(town: TownCalls) -> None:
    spawn(town, "backend")
    given = town.json("assign", "backend", "make tea")
    assert given["agent_name"] == "backend"
    wait_until(lambda: town.agent("backend")["rounds_completed"] == 1, "the task was run")
    assert "make tea" in town.ok("logs", "backend")
    assert len(town.ok("logs", "-n", "1", "backend").splitlines()) == 1
    task = town.json("task", "show", given["task_id"])
    assert (task["state"], task["report"], task["title"]) == ("failed", "failed", "make tea")
    assert "no block" in task["reason"]


def test_log_of_an_agent_that_printed_nothing_is_empty(town: TownCalls) -> None:
    spawn(town, "backend")
    done = town.tt("logs", "backend")
    assert (done.returncode, done.stdout) == (0, "")
    assert "has not printed anything yet" in done.stderr


def test_followed_log_shows_what_comes_until_interrupted(town: TownCalls) -> None:
    spawn(town, "backend")
    follower = town.start("logs", "-f", "backend")
    log = town.root / ".tt" / "logs" / "agents" / "backend.log"
    town.ok("assign", "backend", "make tea")
    wait_until(lambda: log.exists() and "make tea" in log.read_text(), "the agent printed")
    assert follower.stdout is not None
    assert any("make tea" in line for line in follower.stdout)
    assert end(follower)[0] == 0


def test_instructions_come_from_standard_input(town: TownCalls) -> None:
    town.ok("spawn", "backend", "--cli", "demo")
    given = town.ok("assign", "backend", "-", stdin="first line\nsecond line\n")
    assert "first line" in given
    task_id = re.search(r"Task (\w{8})", given)
    assert task_id is not None
    shown = town.json("task", "show", given_id(town, "first line") or task_id[1])
    assert shown["instructions"] == "first line\nsecond line\n"


def given_id(town: TownCalls, title: str) -> str | None:
    """The whole id of an open task."""
    tasks = town.json("task", "list")["tasks"]
    return next((task["task_id"] for task in tasks if task["title"] == title), None)


def test_messages_to_the_conductor_wait_until_they_are_taken(town: TownCalls) -> None:
    town.ok("send", "conductor", "first", "--info")
    town.ok("send", "supervisor", "second", "--query", "--urgent")
    waiting = town.json("inbox")
    assert (waiting["agent"], waiting["total"], waiting["urgent"]) == ("conductor", 2, 1)
    assert [(m["type"], m["summary"]) for m in waiting["messages"]] == [("query", "second"), ("info", "first")]
    assert town.json("inbox", "--take")["total"] == 2
    assert town.json("inbox")["total"] == 0


def test_messages_cannot_steer_the_terminal(town: TownCalls) -> None:
    town.ok("send", "conductor", "red \x1b[31malert\x1b[0m")
    assert "\x1b" not in town.ok("inbox")


def test_agents_own_inbox_is_shown_to_it_and_cannot_be_emptied(town: TownCalls) -> None:
    spawn(town, "backend")
    assert town.json("inbox", **as_agent(town, "backend"))["agent"] == "backend"
    done = town.tt("inbox", "backend", "--take")
    assert done.returncode == 2
    assert "only the conductor's" in done.stderr


def test_killed_agent_stays_stopped_and_cannot_be_killed_twice(town: TownCalls) -> None:
    spawn(town, "backend")
    assert town.ok("kill", "backend") == "🛑 backend is stopped\n"
    assert town.agent("backend")["state"] == "stopped"
    assert town.tt("kill", "backend").returncode == 1
    assert town.tt("assign", "backend", "work").returncode == 1


def test_stop_ends_every_process_and_the_next_command_goes_on(town: TownCalls) -> None:
    spawn(town, "backend")
    stopped = town.ok("stop").splitlines()
    assert [line.split(":")[0] for line in stopped] == ["agents", "host", "server"]
    assert town.processes() == []
    assert town.agent("backend")["state"] == "cold"
    town.ok("assign", "backend", "make tea")
    wait_until(lambda: town.agent("backend")["rounds_completed"] == 1, "a new host ran the task")


def test_stop_right_after_spawn_leaves_nothing_behind(town: TownCalls) -> None:
    town.ok("spawn", "backend", "--cli", "demo")
    assert "host: stopped" in town.ok("stop")
    assert town.processes() == []
    assert town.agent("backend")["state"] in {"starting", "cold"}


def test_stop_of_a_town_that_does_not_run_starts_nothing(town: TownCalls) -> None:
    assert town.ok("stop").splitlines() == ["agents, host: none ran", "server: did not run"]
    assert not (town.root / ".tt" / "redis.sock").exists()


def test_agents_cannot_stop_their_town(town: TownCalls) -> None:
    spawn(town, "backend")
    done = town.tt("stop", cwd=None, **as_agent(town, "backend"))
    assert done.returncode == 1
    assert "an agent cannot stop the town" in done.stderr
    assert town.agent("backend")["state"] == "idle"


def test_foreground_agent_works_in_this_terminal_until_interrupted(town: TownCalls) -> None:
    shown = town.start("spawn", "backend", "--cli", "demo", "--foreground")
    wait_until(lambda: town.json("list")["count"] == 1 and town.agent("backend")["state"] == "idle", "it is idle")
    town.ok("assign", "backend", "make tea")
    wait_until(lambda: town.agent("backend")["rounds_completed"] == 1, "the task was run")
    code, out, err = end(shown, signal.SIGINT)
    assert code == 0, err
    assert "make tea" in out
    assert "action=host_opened" in err
    assert "this process is the machine's host" in err
    assert town.agent("backend")["state"] == "cold"


def test_foreground_agent_is_only_shown_when_a_host_runs_already(town: TownCalls) -> None:
    spawn(town, "first")
    shown = town.start("spawn", "second", "--cli", "demo", "--foreground")
    wait_until(lambda: town.json("list")["count"] == 2 and town.agent("second")["state"] == "idle", "it is idle")
    code, _, err = end(shown)
    assert code == 0
    assert "second goes on; look: tt logs -f second" in err
    assert town.agent("second")["state"] == "idle"


def test_second_host_of_a_machine_ends_with_a_note(town: TownCalls) -> None:
    spawn(town, "backend")
    done = town.tt("host")
    assert (done.returncode, done.stderr) == (0, "another process is this machine's host already\n")


def test_status_tells_what_goes_on(town: TownCalls) -> None:
    spawn(town, "backend")
    status = town.json("status")
    assert (status["name"], status["root"], status["agent_count"]) == ("shop-main", str(town.root), 1)
    assert status["redis_url"] == f"unix://{town.root}/.tt/redis.sock"
    assert [(host["is_alive"], host["is_here"]) for host in status["hosts"]] == [(True, True)]
    assert (status["dispatchers"], status["missions"]) == ([], [])
    shown = town.ok("status", "--deep", "--tasks")
    assert "hosts: 1 alive, one here" in shown
    assert "dispatchers: none runs (start one: tt mission dispatch)" in shown
    assert "agent.spawned" in shown
    assert "📋 Open tasks of agents: 0" in shown


def test_town_is_found_from_a_folder_below_and_by_its_option(town: TownCalls, tmp_path: Path) -> None:
    below = town.root / "deep" / "down"
    below.mkdir(parents=True)
    assert "Town: shop-main" in town.ok("status", cwd=below)
    assert "Town: shop-main" in town.ok("--town", town.root, "status", cwd=tmp_path)


def test_host_that_dies_as_it_starts_is_not_started_over_and_over(town: TownCalls) -> None:
    spawn(town, "backend")
    town.ok("stop")
    config = town.root / ".git" / "config"
    well = config.read_text()
    log = town.root / ".tt" / "logs" / "host.log"
    config.write_text(f"{well}[broken\n")
    try:
        for _ in range(4):
            town.ok("send", "backend", "hello", "--info")
            wait_until(lambda: not _is_hosted(town), "no host is left")
    finally:
        config.write_text(well)
    assert log.read_text().count("bad config") == 1, log.read_text()
    spawn(town, "frontend")  # a person who has mended it need not wait
    wait_until(lambda: town.agent("backend")["state"] == "idle", "backend is back")


def _is_hosted(town: TownCalls) -> bool:
    return any(" host --lock" in line for line in town.processes())
