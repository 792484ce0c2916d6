"""What must hold once a mission is completed, whatever was killed on the way."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterable

from tests.chaos.scenario import ChaosTown, command_line
from tests.waiting import wait_until

from tinytown.domain.task import TaskKind, TaskState


def check_outcome(
    town: ChaosTown,
    mission_id: str,
    *,
    order: Iterable[tuple[str, str]],
    most_runs: int,
    test_command: tuple[str, ...],
    dispatchers: int = 1,
) -> None:
    """Fail unless everything was done once, in order, and nothing is left of it."""
    check_pulls(town, mission_id, order)
    check_tasks(town, mission_id, most_runs)
    check_processes(town, dispatchers)
    check_queues(town, mission_id)
    check_repository(town, test_command)


def check_pulls(town: ChaosTown, mission_id: str, order: Iterable[tuple[str, str]]) -> None:
    """One pull request an item, merged once, dependencies first."""
    items = town.mission(mission_id).items.values()
    pulls = {item.key: item.pull for item in items}
    assert None not in pulls.values()
    numbers = [pull.number for pull in pulls.values() if pull]
    assert sorted(numbers) == list(range(1, len(items) + 1)), "one pull request an item"
    assert town.connection.execute("HLEN", town.keys("pull", "branches")) == 0, "no open pull request"
    lines = town.git.line("log", "--first-parent", "--reverse", "--format=%s", "main").splitlines()
    merges = [line for line in lines if line.startswith("Merge pull request")]
    assert len(merges) == len(items), merges
    position = {int(line.split("#")[1].split(":")[0]): index for index, line in enumerate(merges)}
    assert len(position) == len(items), merges
    by_key = {key: position[pull.number] for key, pull in pulls.items() if pull}
    assert [(a, b) for a, b in order if by_key[a] > by_key[b]] == [], merges


def check_tasks(town: ChaosTown, mission_id: str, most_runs: int) -> None:
    """Each item worked on successfully once, mended once for each cause and commit, and no run repeated needlessly."""
    tasks = town.tasks()
    assert [task.id for task in tasks if task.is_open] == []
    done = [task for task in tasks if task.state is TaskState.COMPLETED]
    worked = Counter(task.spec.item_id for task in done if task.spec.kind is TaskKind.WORK)
    assert worked == Counter(list(town.mission(mission_id).items)), "no item is worked on again after success"
    mended = Counter((t.spec.item_id, t.spec.causes, t.spec.head) for t in done if t.spec.kind is TaskKind.FIX)
    assert set(mended.values()) <= {1}, mended
    reviewed = Counter((t.spec.item_id, t.spec.head) for t in done if t.spec.kind is TaskKind.REVIEW)
    assert set(reviewed.values()) <= {1}, reviewed
    assert [(task.spec.title, task.runs) for task in tasks if task.runs > most_runs] == []


def check_processes(town: ChaosTown, dispatchers: int) -> None:
    """No run is left, only the dispatchers and a host; git may be clearing away for a while."""
    wait_until(lambda: town.runs() == {}, "no run is left")

    def others() -> list[tuple[int, list[str]]]:
        known = {town.host, town.server}
        return [(process.pid, command_line(process)) for process in town.living() if process not in known]

    def are_dispatchers() -> bool:
        return [line[-1:] for _, line in others()] == [["dispatch"]] * dispatchers

    try:
        wait_until(are_dispatchers, "only dispatchers are left")
    except AssertionError as late:
        raise AssertionError(f"{late}; beside {town.host} and {town.server}: {others()}") from None
    assert town.host is not None


def check_queues(town: ChaosTown, mission_id: str) -> None:
    """Nothing waits for anybody; a wake-up that came with the last step is taken in by one more."""
    try:
        wait_until(lambda: _queued(town, mission_id) == {}, "nothing waits")
    except AssertionError as late:
        raise AssertionError(f"{late}: {_queued(town, mission_id)}") from None


def _queued(town: ChaosTown, mission_id: str) -> dict[str, int]:
    run, keys = town.connection.execute, town.keys
    left: dict[str, int] = {}
    for agent in town.agents().values():
        left[f"inbox of {agent.name}"] = run("ZCARD", keys("inbox", agent.id))
        left[f"claims of {agent.name}"] = run("HLEN", keys("inbox", agent.id, "claimed"))
        left[f"messages of {agent.name}"] = run("HLEN", keys("inbox", agent.id, "messages"))
        left[f"delays of {agent.name}"] = run("HLEN", keys("inbox", agent.id, "later"))
        left[f"tasks of {agent.name}"] = run("SCARD", keys("agent", agent.id, "tasks"))
    left["inbox of the conductor"] = run("ZCARD", keys("inbox", "conductor"))
    left["tasks of the mission"] = run("SCARD", keys("mission", mission_id, "tasks"))
    left["watched pulls"] = run("HLEN", keys("mission", "targets"))
    left["due missions"] = run("ZCARD", keys("mission", "due"))
    left["queued checks"] = run("ZCARD", keys("checks", "queued"))
    left["running checks"] = run("HLEN", keys("checks", "running"))
    return {what: count for what, count in left.items() if count}


def check_repository(town: ChaosTown, test_command: tuple[str, ...]) -> None:
    """The checkout is clean and at the tip of main, its tests pass, and finished worktrees are cleared away whole."""
    assert town.git.current_branch() == "main"
    assert town.git.dirty_files() == ()
    tests = subprocess.run(test_command, cwd=town.root, capture_output=True, text=True, check=False)
    assert tests.returncode == 0, tests.stderr
    wait_until(
        lambda: len(town.git.line("worktree", "list").splitlines()) == 1,
        "worktrees of merged items are cleared away",
        timeout_secs=15,
    )
    worktrees = town.state / "worktrees"
    assert sorted(path.name for path in worktrees.iterdir() if path.is_dir()) == []
    assert [name for _, _, names in os.walk(town.root / ".git") for name in names if name.endswith(".lock")] == []
