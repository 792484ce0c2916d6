"""Two machines, that is two clones with a `.tt` each, on one Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.scenario import ACTORS, ChaosTown, closed, expire_lease, simple_issue
from tests.waiting import wait_until

from tinytown.domain.agent import AgentState
from tinytown.domain.task import TaskState
from tinytown.repository.git import Git
from tinytown.store.server import ensure_server, stop_server

LOST = "[mission]\nlost_agent_secs = 1\n"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A Redis that belongs to neither."""
    root = tmp_path / "redis"
    root.mkdir()
    try:
        yield ensure_server(root)
    finally:
        stop_server(root)


@pytest.fixture
def here(tmp_path: Path, url: str) -> Iterator[ChaosTown]:
    """The machine whose clone is the local forge, and where the dispatcher runs."""
    issues = {**simple_issue(1, kind="review"), **simple_issue(2, kind="review"), **simple_issue(3, kind="design")}
    with closed(ChaosTown.found(tmp_path / "here", issues, checks=(), settings=LOST + ACTORS, REDIS_URL=url)) as town:
        yield town


@pytest.fixture
def there(tmp_path: Path, url: str, here: ChaosTown) -> Iterator[ChaosTown]:
    """A clone on another machine."""
    Git(tmp_path).run("clone", "--quiet", str(here.root), "there")
    with closed(ChaosTown(tmp_path / "there", REDIS_URL=url)) as town:
        yield town


def test_the_work_of_a_machine_that_is_gone_is_done_by_the_other(here: ChaosTown, there: ChaosTown) -> None:
    here.tt("spawn", "ann", "--cli", "answering", "--role", "worker")
    there.tt("spawn", "bob", "--cli", "answering", "--role", "worker")
    mission = here.start(1, 2)
    here.dispatch()
    wait_until(lambda: here.told("started") and there.told("started"), "both are at work", 20)
    items = {key: here.item(mission, key) for key in ("#1", "#2")}
    bob = here.agents()["bob"]
    (lost,) = [key for key, item in items.items() if item.assigned_to == bob.id]
    there.kill_everything()
    expire_lease(here, "host", bob.host_id or "", "lease")
    here.let_go()
    here.wait_completed(mission)  # after the grace
    assert [there.host, here.agents()["bob"].state] == [None, AgentState.COLD]
    assert here.item(mission, lost).assigned_to == here.agents()["ann"].id
    tasks = {task.id: task for task in here.tasks()}
    done = [task for task in tasks.values() if task.state is TaskState.COMPLETED]
    assert sorted(task.result for task in done) == ["answered by ann"] * 2
    assert [task.state for task in tasks.values() if task.agent_id == bob.id] == [TaskState.CANCELLED]


def test_each_machine_runs_its_own_agents_only(here: ChaosTown, there: ChaosTown) -> None:
    here.tt("spawn", "ann", "--cli", "answering", "--role", "worker")
    there.tt("spawn", "bob", "--cli", "answering", "--role", "worker")
    mission = here.start(1, 2)
    here.dispatch()
    wait_until(lambda: here.told("started") and there.told("started"), "both are at work", 20)
    assert (len(here.runs()), len(there.runs())) == (1, 1)
    agents = here.agents()
    assert agents["ann"].host_id != agents["bob"].host_id
    here.let_go()
    there.let_go()
    here.wait_completed(mission)
    assert sorted(task.result for task in here.tasks()) == ["answered by ann", "answered by bob"]


def test_a_branch_that_is_only_on_the_other_machine_is_no_silent_end(here: ChaosTown, there: ChaosTown) -> None:
    """The local forge sees its own clone only; a person is told where the work is missing."""
    there.tt("spawn", "bob", "--cli", "patient", "--role", "worker")
    there.let_go()
    mission = here.start(3)
    here.dispatch()
    wait_until(lambda: here.item(mission, "#3").hold is not None, "a person is asked", 20)
    item = here.item(mission, "#3")
    assert f"neither branch '{item.branch}' nor commit" in (item.hold or "")
    assert there.git.find_branch(item.branch) == item.submitted
