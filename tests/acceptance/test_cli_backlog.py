"""The backlog: tasks for whoever has time."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import psutil
from tests.acceptance.conftest import TownCalls, end
from tests.waiting import wait_until

from tinytown.runtime.launcher import host_pid

HELLO = 'Say hello.\n\n```python file=hello.py\nprint("hello")\n```\n'


def added(town: TownCalls, text: str, *options: str) -> str:
    task_id = town.json("backlog", "add", text, *options)["task_id"]
    assert isinstance(task_id, str)
    return task_id


def shown(town: TownCalls, task_id: str) -> dict[str, Any]:
    found = town.json("task", "show", task_id)
    assert isinstance(found, dict)
    return found


def wait_for(town: TownCalls, task_id: str, state: str = "completed") -> dict[str, Any]:
    wait_until(lambda: shown(town, task_id)["state"] == state, f"the task is {state}", timeout_secs=30)
    return shown(town, task_id)


def waiting(town: TownCalls, *options: str) -> list[str]:
    return [task["task_id"] for task in town.json("backlog", "list", *options)["backlog"]]


def test_idle_agent_takes_what_is_added_and_what_came_of_it_is_told(town: TownCalls) -> None:
    town.ok("spawn", "backend", "--cli", "demo")
    wait_until(lambda: town.agent("backend")["state"] == "idle", "the agent is there")

    said = town.ok("backlog", "add", "-", "--tag", "role:backend", stdin=HELLO)

    match = re.search(r"its result: tt task show ([0-9a-f]{8})$", said, re.MULTILINE)
    assert match
    done = wait_for(town, match[1])
    assert (done["agent_name"], done["runs"], done["tags"], done["parent"]) == (
        "backend",
        1,
        ["role:backend"],
        "supervisor",
    )
    assert town.git.line("show", f"{done['branch']}:hello.py") == 'print("hello")'
    (told,) = town.json("inbox")["messages"]
    assert told["text"].startswith(f"Task {match[1]} (Say hello.) is completed: ")


def test_backlog_is_listed_claimed_handed_out_and_taken_from(town: TownCalls) -> None:
    file = town.root / "tinytown.toml"
    file.write_text(file.read_text().replace("[agent]\n", "[agent]\ntakes_backlog = false\n"))
    assert "nothing waits" in town.ok("backlog", "list")
    tasks = [added(town, f"task {number}\n\nmore") for number in range(4)]
    town.ok("spawn", "backend", "--cli", "demo")

    assert waiting(town) == tasks
    assert waiting(town, "--limit", "2") == tasks[:2]
    assert waiting(town, "--after", tasks[1][:12]) == tasks[2:]
    part = town.ok("backlog", "list", "--limit", "3")
    assert f"and 1 more: tt backlog list --after {tasks[2][:8]}" in part
    assert re.search(rf"{tasks[0][:8]} .* supervisor +- +task 0$", part, re.MULTILINE)
    assert [task["task_id"] for task in town.json("task", "list", "--state", "pending")["tasks"]] == tasks[::-1]
    listed = town.ok("task", "list")
    assert "📋 Open tasks of agents: 0\n   none\n📥 Backlog: 4 tasks (tt backlog list)" in listed
    assert town.json("task", "list") == {"tasks": [], "count": 0, "backlog_count": 4}
    assert "📋 Open tasks of agents: 0\n   none\n" in town.ok("status", "--tasks")
    assert "Backlog" not in town.ok("task", "list", "--agent", "backend")
    assert "📥 Backlog: 4 tasks" in town.ok("status")
    assert town.json("status")["backlog_count"] == 4

    assert town.json("backlog", "remove", tasks[0]) == {"removed": True, "task_id": tasks[0]}
    assert town.json("backlog", "claim", tasks[1], "backend")["agent_name"] == "backend"
    town.ok("task", "complete", tasks[2], "--result", "did it myself")
    assert "1 task for backend" in town.ok("backlog", "assign-all", "backend")
    assert [town.json("task", "show", task)["state"] for task in (tasks[0], tasks[2])] == ["cancelled", "completed"]
    for task in (tasks[1], tasks[3]):
        wait_until(lambda: shown(town, task)["state"] == "failed", "the demo agent knew nothing to do", 30)  # noqa: B023
    assert waiting(town) == []


def test_what_cannot_be_done_is_said_in_one_line(town: TownCalls) -> None:
    task = added(town, "one")
    town.ok("spawn", "backend", "--cli", "demo")
    town.ok("kill", "backend", "--force")

    for args, code, text in (
        (("add", " "), 2, "the task is empty"),
        (("add", "x", "--tag", ""), 2, "a tag is one line"),
        (("claim", task), 2, "say which agent"),
        (("claim", "ffffffff", "backend"), 1, "no task 'ffffffff'"),
        (("claim", task, "nobody"), 1, "no agent 'nobody'; there are: backend"),
        (("remove", "ffffffff"), 1, "no task 'ffffffff'"),
    ):
        refused = town.tt("backlog", *args)
        assert (refused.returncode, text in refused.stderr) == (code, True), refused.stderr
        assert len(refused.stderr.splitlines()) == 1


CLAIMING = """\
if [ -e "$TINYTOWN_TOWN/wanted" ]; then
  tt backlog claim "$(cat "$TINYTOWN_TOWN/wanted")" bob 2> "$TINYTOWN_TOWN/refused"
  tt backlog assign-all ann 2>> "$TINYTOWN_TOWN/refused"
  tt backlog remove "$(cat "$TINYTOWN_TOWN/wanted")" 2>> "$TINYTOWN_TOWN/refused"
  tt backlog claim "$(cat "$TINYTOWN_TOWN/wanted")" && rm "$TINYTOWN_TOWN/wanted"
  tt backlog add "more of it"
fi
git commit --quiet --allow-empty -m Work
echo done
"""


def test_agent_adds_to_the_backlog_and_claims_from_it_for_itself(town: TownCalls) -> None:
    script = town.root.parent / "claiming.sh"
    script.write_text(CLAIMING)
    file = town.root / "tinytown.toml"
    text = file.read_text().replace("[agent]\n", "[agent]\ntakes_backlog = false\n")
    file.write_text(f'{text}\n[agent_clis.claiming]\ncommand = ["sh", "{script}"]\n')
    wanted = added(town, "one")
    (town.root / "wanted").write_text(wanted)
    town.ok("spawn", "bob", "--cli", "demo")
    town.ok("spawn", "ann", "--cli", "claiming")

    town.ok("assign", "ann", "look into the backlog")

    assert wait_for(town, wanted)["agent_name"] == "ann"
    (more,) = town.json("backlog", "list")["backlog"]
    assert (more["description"], more["parent"]) == ("more of it", "ann")
    refused = (town.root / "refused").read_text().splitlines()
    assert len(refused) == 3
    assert ["for itself only" in refused[0], "may not hand out" in refused[1], "not yours" in refused[2]] == [True] * 3


def test_one_of_many_commands_that_claim_a_task_at_once_gets_it(town: TownCalls) -> None:
    file = town.root / "tinytown.toml"
    file.write_text(file.read_text().replace("[agent]\n", "[agent]\ntakes_backlog = false\n"))
    task = added(town, "one")
    agents = [f"agent-{number}" for number in range(4)]
    for agent in agents:
        town.ok("spawn", agent, "--cli", "demo")

    asking = {agent: town.start("backlog", "claim", task, agent) for agent in agents}
    errors = {agent: process.communicate(timeout=30)[1] for agent, process in asking.items()}

    (winner,) = [agent for agent, process in asking.items() if process.returncode == 0]
    assert shown(town, task)["agent_name"] == winner
    assert all(f"task {task[:8]} is not in the backlog" in errors[agent] for agent in agents if agent != winner)


def test_host_that_is_killed_while_a_task_of_the_backlog_runs_loses_nothing(town: TownCalls) -> None:
    town.ok("spawn", "backend", "--cli", "demo", TINYTOWN_DEMO_DELAY_SECS="0.4")
    tasks = [added(town, HELLO), added(town, HELLO)]
    wait_for(town, tasks[0], "running")
    pid = host_pid(town.root / ".tt")
    assert pid is not None

    psutil.Process(pid).kill()
    dispatcher = town.start("mission", "dispatch", stderr=subprocess.DEVNULL)

    done = [wait_for(town, task) for task in tasks]
    end(dispatcher)
    assert {task["agent_name"] for task in done} == {"backend"}
    assert (done[0]["runs"], done[1]["runs"]) == (2, 1)
    assert waiting(town) == []
