"""The backlog survives `kill -9` of anything: each task is done, and counted as done once."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import msgspec
import psutil
import pytest
from tests.chaos.scenario import ChaosTown, closed, kill
from tests.waiting import wait_until

from tinytown.domain.errors import StoreUnavailableError
from tinytown.domain.task import Task, TaskState
from tinytown.store.tasks import TaskStore

TASKS = 8
KILLS = 5
SEED = 7
VICTIMS = ("host", "server", "agent", "everything")
LONGEST_PAUSE_SECS = 0.3
GENEROUS = "[agent]\nmax_nudges = 20\n"
"""A killed CLI is no fault of the task."""


def text_of(number: int) -> str:
    return f"Write file {number}.\n\n```python file=made_{number}.py\nNUMBER = {number}\n```\n"


def stored(town: ChaosTown, ids: list[str]) -> list[Task]:
    """The tasks; none while the server is away."""
    try:
        return TaskStore(town.connection, town.keys).many(ids)
    except StoreUnavailableError:
        return []


def strike(town: ChaosTown, dispatcher: psutil.Process, victim: str) -> psutil.Process:
    """Kill something, if it is there; the dispatcher that runs afterwards."""
    if victim == "everything":
        town.kill_everything()
        return town.dispatch()
    if victim == "agent":
        running = [process for processes in town.runs().values() for process in processes]
        target = running[0] if running else None
    else:
        target = town.host if victim == "host" else town.server
    if target is not None:
        kill(target)
    return dispatcher


@pytest.mark.timeout(240)
def test_every_task_of_the_backlog_is_done_once_whatever_is_killed(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311  it is to be repeatable
    town = ChaosTown.found(tmp_path / "repo", {}, checks=(), settings=GENEROUS, delay_secs=0.15)
    with closed(town):
        town.spawn_all({"ann": "backend", "bob": "worker"})
        added = [town.tt("backlog", "add", text_of(number), "--json") for number in range(TASKS)]
        ids = [str(msgspec.json.decode(answer)["task_id"]) for answer in added]
        dispatcher = town.dispatch()
        for _ in range(KILLS):
            wait_until(town.runs, "an agent is at work", 60)
            until = time.monotonic() + chance.random() * LONGEST_PAUSE_SECS
            wait_until(lambda: time.monotonic() >= until, "the moment has come")  # noqa: B023  called here
            dispatcher = strike(town, dispatcher, chance.choice(VICTIMS))

        ended = {TaskState.COMPLETED, TaskState.FAILED}
        wait_until(lambda: [t.state in ended for t in stored(town, ids)] == [True] * TASKS, "all have ended", 120)

        assert {task.reason for task in stored(town, ids) if task.state is TaskState.FAILED} == set()
        assert sum(task.runs for task in stored(town, ids)) > TASKS, "nothing was killed while it ran"
        completed = Counter(event.task_id for event in town.all_events() if event.type == "task.completed")
        assert completed == Counter(ids)
        for number, task in enumerate(stored(town, ids)):
            assert town.git.line("show", f"{task.branch}:made_{number}.py") == f"NUMBER = {number}"
