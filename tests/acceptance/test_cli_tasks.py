"""Tasks that a person gives out, and what came of them."""

from __future__ import annotations

import re

from tests.acceptance.conftest import TownCalls
from tests.waiting import wait_until

HELLO = 'Say hello.\n\n```python file=hello.py\nprint("hello")\n```\n'


def done(town: TownCalls, text: str) -> str:
    """Have the agent do a task; its id."""
    task_id = town.json("assign", "backend", text)["task_id"]
    assert isinstance(task_id, str)
    wait_until(
        lambda: town.json("task", "show", task_id)["state"] in {"completed", "failed"}, "it is done", timeout_secs=30
    )
    return task_id


def listed(town: TownCalls, *options: str) -> list[str]:
    return [task["task_id"] for task in town.json("task", "list", *options)["tasks"]]


def test_assigned_task_says_how_to_see_its_result_which_is_also_told_to_who_gave_it(town: TownCalls) -> None:
    town.ok("spawn", "backend", "--cli", "demo")

    shown = town.ok("assign", "backend", HELLO)

    match = re.search(r"its result: tt task show ([0-9a-f]{8})$", shown, re.MULTILINE)
    assert match
    wait_until(lambda: "state  completed" in re.sub(" +", "  ", town.ok("task", "show", match[1])), "it is done", 30)
    assert re.search(r"^   result +\S", town.ok("task", "show", match[1]), re.MULTILINE)
    (told,) = town.json("inbox")["messages"]
    assert (told["from"], told["type"]) == ("backend", "info")
    assert told["text"].startswith(f"Task {match[1]} (Say hello.) is completed: ")
    assert told["text"].endswith(f"See: tt task show {match[1]}")


def test_finished_tasks_are_found_by_a_prefix_and_listed_when_asked_for_the_newest_first(town: TownCalls) -> None:
    town.ok("spawn", "backend", "--cli", "demo")
    town.ok("spawn", "frontend", "--cli", "demo")
    first, second = done(town, "make tea"), done(town, HELLO)

    assert town.json("task", "show", first[:12])["task_id"] == first
    assert listed(town) == []
    assert listed(town, "--all") == [second, first]
    assert listed(town, "--all", "--limit", "1") == [second]
    assert listed(town, "--state", "failed") == [first]
    assert listed(town, "--all", "--agent", "backend", "--state", "completed") == [second]
    assert listed(town, "--all", "--agent", "frontend") == []
    assert first[:8] in town.ok("task", "list", "--all")
    refused = town.tt("task", "show", "ffffffff")
    assert (refused.returncode, "no task 'ffffffff'" in refused.stderr) == (1, True)
