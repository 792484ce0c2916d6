"""Agents that are waited for, interrupted, closed, restarted, recovered and pruned by `tt`."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import psutil
import pytest
from tests.acceptance.conftest import TownCalls, end
from tests.repositories import commit
from tests.waiting import wait_until

CLIS = """
[agent_clis.slow]
command = ["sh", "-c", "echo begun; until [ -e ../go ]; do sleep 0.02; done; echo $TINYTOWN_TASK_ID >> ../done; git commit -q --allow-empty -m Work; echo all done"]
[agent_clis.broken]
command = ["sh", "-c", "exit 1"]
"""


@pytest.fixture
def slow_town(town: TownCalls) -> TownCalls:
    """A town whose agents may be slow: they end their runs when they are let go on."""
    with (town.root / "tinytown.toml").open("a") as settings:
        settings.write(CLIS)
    commit(town.git, {}, "Know more CLIs")
    return town


def spawn(town: TownCalls, *names: str, cli: str = "slow") -> None:
    for name in names:
        town.ok("spawn", name, "--cli", cli)
        wait_until(lambda name=name: town.agent(name)["state"] == "idle", f"{name} is idle")  # type: ignore[misc]


def at_work(town: TownCalls, name: str) -> bool:
    log = town.root / ".tt" / "logs" / "agents" / f"{name}.log"
    return bool(town.agent(name)["run_id"]) and log.exists() and "begun" in log.read_text()


def let_go_on(town: TownCalls) -> None:
    (town.root / ".tt" / "worktrees" / "go").touch()


def given(town: TownCalls, agent: str, text: str) -> str:
    task_id = town.json("assign", agent, text)["task_id"]
    assert isinstance(task_id, str)
    return task_id


def task(town: TownCalls, task_id: str) -> dict[str, Any]:
    found = town.json("task", "show", task_id)
    assert isinstance(found, dict)
    return found


def kill_host(town: TownCalls) -> None:
    pid = town.json("status")["hosts"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid), "the host is dead")


def test_work_of_a_killed_host_goes_on_when_it_is_recovered_and_is_done_once(slow_town: TownCalls) -> None:
    town = slow_town
    spawn(town, "ann", "bob")
    tasks = [given(town, "ann", "make tea"), given(town, "bob", "make coffee")]
    wait_until(lambda: at_work(town, "ann") and at_work(town, "bob"), "both are at work")
    kill_host(town)

    recovered = town.json("recover")

    assert (recovered["checked"], recovered["recovered"], recovered["agents"]) == (2, 2, ["ann", "bob"])
    wait_until(
        lambda: [task(town, one)["runs"] for one in tasks] == [2, 2], "what was left over is stopped, and begun anew"
    )
    let_go_on(town)
    assert town.ok("wait", "ann", "bob", "--timeout", "30").count("is idle") == 2
    assert [task(town, one)["state"] for one in tasks] == ["completed"] * 2
    assert sorted((town.root / ".tt" / "worktrees" / "done").read_text().split()) == sorted(tasks)
    again = town.json("recover")
    assert (again["recovered"], again["elsewhere"]) == (0, [])
    assert town.ok("recover") == "🩹 Recovered 0 of 2 agents\n"


def test_task_and_messages_of_a_stopped_agent_go_to_another(slow_town: TownCalls) -> None:
    town = slow_town
    spawn(town, "ann", "bob")
    town.ok("interrupt", "ann")
    moved = given(town, "ann", "make tea")
    town.ok("send", "ann", "the kettle is blue", "--info")
    town.ok("kill", "ann")
    assert "1 unfinished task and 1 message of ann" in town.ok("reclaim")
    refused = town.tt("reclaim", "--to", "ann", "--from", "ann")
    assert (refused.returncode, "is ann's already" in refused.stderr) == (2, True)

    reclaimed = town.json("reclaim", "--to", "bob")

    assert (reclaimed["reclaimed"], reclaimed["destination"], reclaimed["agents"]) == (2, "bob", ["ann"])
    assert town.json("inbox", "ann")["total"] == 0
    wait_until(lambda: task(town, moved)["state"] == "running", "bob is at it")
    let_go_on(town)
    town.ok("wait", "bob", "--timeout", "30")
    done = task(town, moved)
    assert (done["state"], done["agent_name"]) == ("completed", "bob")
    runs = town.root / ".tt" / "runs"
    assert "This was sent to ann, which is stopped" in "".join(p.read_text() for p in runs.glob("*.prompt.md"))
    assert town.json("reclaim")["found"] == 0


def test_agent_with_work_is_kept_until_its_work_may_go_elsewhere(slow_town: TownCalls) -> None:
    town = slow_town
    spawn(town, "ann", "bob")
    town.ok("interrupt", "ann")
    town.ok("interrupt", "bob")
    waiting = given(town, "ann", "make tea")
    town.ok("send", "ann", "Which kettle?", "--query")
    town.ok("kill", "ann")
    town.ok("kill", "bob")

    first = town.json("prune")

    assert (first["removed"], first["agents"]) == (1, ["bob"])
    reason = "has 1 unfinished task and 1 message; see: tt reclaim --from ann"
    assert first["kept"] == [{"name": "ann", "reason": reason}]
    shown = town.ok("prune", "--all")
    assert shown == "🧹 Pruned 1 agent: ann\n   1 task to the backlog\n   1 message to your inbox\n"
    assert town.json("list")["agents"] == []
    assert task(town, waiting)["state"] == "pending"
    (message,) = town.json("inbox")["messages"]
    assert message["text"] == "[This was sent to ann, which was pruned.]\n\nWhich kettle?"
    town.ok("spawn", "ann", "--cli", "slow")
    wait_until(lambda: task(town, waiting)["state"] == "running", "an agent took it from the backlog")


def test_interrupted_agent_begins_anew_when_it_is_resumed(slow_town: TownCalls) -> None:
    town = slow_town
    spawn(town, "ann")
    interrupted = given(town, "ann", "make tea")
    wait_until(lambda: at_work(town, "ann"), "ann is at work")

    assert "ann is paused; the run under way is stopped" in town.ok("interrupt", "ann")

    again = town.tt("interrupt", "ann")
    assert (again.returncode, "tt resume ann" in again.stderr) == (1, True)
    wait_until(lambda: task(town, interrupted)["state"] == "assigned", "its run has ended")
    let_go_on(town)
    assert town.json("resume", "ann")["status"] in {"idle", "working"}
    town.ok("wait", "ann", "--timeout", "30")
    assert (task(town, interrupted)["state"], task(town, interrupted)["runs"]) == ("completed", 2)
    assert town.tt("resume", "ann").returncode == 1


def test_closed_agent_finishes_and_takes_nothing_new(slow_town: TownCalls) -> None:
    town = slow_town
    spawn(town, "ann")
    tasks = [given(town, "ann", "make tea"), given(town, "ann", "make coffee")]
    wait_until(lambda: at_work(town, "ann"), "ann is at work")

    assert "does what is in its inbox, then stops" in town.ok("close", "ann")

    refused = town.tt("assign", "ann", "wash up")
    assert (refused.returncode, "takes no tasks" in refused.stderr) == (1, True)
    told = town.tt("send", "ann", "the tea is gone", "--info")
    assert (told.returncode, "ann is draining: what it does not read before waits until" in told.stderr) == (0, True)
    assert "then stops" in town.ok("list")
    let_go_on(town)
    town.ok("wait", "ann", "--state", "stopped", "--timeout", "30")
    assert [task(town, one)["state"] for one in tasks] == ["completed"] * 2
    assert town.json("restart", "ann")["status"] == "starting"
    town.ok("wait", "ann", "--state", "idle", "--timeout", "30")
    assert town.agent("ann")["rounds_completed"] == 0


def test_waiting_ends_when_the_time_is_up_or_an_agent_breaks(slow_town: TownCalls) -> None:
    town = slow_town
    spawn(town, "ann")
    given(town, "ann", "make tea")

    late = town.tt("wait", "ann", "--timeout", "0.2")

    assert (late.returncode, late.stdout.splitlines()[0]) == (1, "⏰ not there yet:")
    waiter = town.start("wait", "ann", "--state", "idle")
    town.ok("kill", "ann", "--force")
    _, err = waiter.communicate(timeout=30)
    assert (waiter.returncode, "ann is stopped" in err) == (1, True)
    assert "ann is stopped" in town.ok("wait", "ann")
    assert town.tt("wait", "nobody").returncode == 1


def test_waiting_is_interrupted_by_ctrl_c(slow_town: TownCalls) -> None:
    town = slow_town
    spawn(town, "ann")
    given(town, "ann", "make tea")
    wait_until(lambda: at_work(town, "ann"), "ann is at work")
    waiter = town.start("wait", "ann", stderr=subprocess.PIPE)
    wait_until(lambda: _is_waiting(waiter.pid), "it waits")

    assert end(waiter)[0] == 130


def _is_waiting(pid: int) -> bool:
    """Whether the process waits for the server: it has spoken to it."""
    return any(connection.status == "NONE" for connection in psutil.Process(pid).net_connections("unix"))


def test_agents_do_not_direct_those_that_they_did_not_spawn(slow_town: TownCalls) -> None:
    town = slow_town
    spawn(town, "ann", "bob")
    ann = {"TINYTOWN_AGENT_ID": town.agent("ann")["id"], "TINYTOWN_AGENT_NAME": "ann"}
    town.ok("spawn", "cat", "--cli", "slow", **ann)
    for command in ("interrupt", "close", "kill", "restart"):
        done = town.tt(command, "bob", cwd=None, **ann)
        assert (done.returncode, "none of yours" in done.stderr) == (1, True), command
    for words in (["prune"], ["recover"], ["reclaim", "--to-backlog"]):
        done = town.tt(*words, cwd=None, **ann)
        assert (done.returncode, "an agent may not" in done.stderr) == (1, True), words
    town.ok("interrupt", "cat", **ann)
    assert town.agent("cat")["reason"] == "interrupted by ann"
    assert "waits for ever" in town.tt("wait", "ann", cwd=None, **ann).stderr
