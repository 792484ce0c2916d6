"""Faults whose mending takes its time: leases and patience run out. All of them at once, each in a town of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from tests.chaos.scenario import kill
from tests.chaos.test_recovery import Stage, expire_host, frozen, the_host
from tests.chaos.verdict import check_queues
from tests.leftovers import end, is_gone
from tests.waiting import wait_until

from tinytown.domain.agent import AgentState
from tinytown.domain.task import TaskState


def a_killed_host_is_replaced_and_what_it_ran_is_stopped_before_the_run_is_repeated(stage: Stage) -> None:
    town, mission, _ = stage.at_work("patient")
    wait_until(lambda: town.told("committed"), "it has committed a part")
    (_, first_run, first_pid) = town.told("committed")[0]
    first = psutil.Process(first_pid)
    host = the_host(town)
    kill(host)
    assert not is_gone(first)
    wait_until(lambda: len(town.told("started")) == 2, "the run is repeated", 20)
    assert is_gone(first)
    assert the_host(town).pid != host.pid
    town.let_go()
    town.wait_completed(mission)
    assert [task.runs for task in town.tasks()] == [2]
    files = town.git.line("ls-tree", "--name-only", "main").splitlines()
    second_run = town.told("started")[1][1]
    assert {f"part-{first_run[:8]}.txt", f"part-{second_run[:8]}.txt", "rest.txt"} <= set(files)
    check_queues(town, mission)


def a_child_that_never_came_on_record_is_found_although_others_released_its_host(stage: Stage) -> None:
    town, mission, dispatcher = stage.at_work("patient")
    first = psutil.Process(town.told("started")[0][2])
    with frozen(dispatcher):
        kill(the_host(town))
        for record in (town.state / "runs").glob("*.json"):
            record.unlink()
        expire_host(town)
    wait_until(lambda: len(town.told("started")) == 2, "the run is repeated", 20)
    assert is_gone(first)
    town.let_go()
    town.wait_completed(mission)


def a_host_that_was_frozen_past_its_lease_stores_nothing_and_starts_over(stage: Stage) -> None:
    town, mission, _ = stage.at_work("patient")
    (_, run_id, pid) = town.told("started")[0]
    with frozen(the_host(town)):
        expire_host(town)
        wait_until(lambda: town.agents()["ann"].state is AgentState.COLD, "the host is released", 30)
        town.let_go()
        wait_until(lambda: town.told("report"), "the agent reports while nobody runs it", 20)
        assert town.told("report") == [("report-1", run_id, pid)], "a report of a run that was taken back"
        wait_until(lambda: is_gone(psutil.Process(pid)), "its CLI has ended")
    town.wait_completed(mission)
    events = [event.type for event in town.all_events()]
    assert (events.count("host.opened"), events.count("run.started"), events.count("run.finished")) == (2, 2, 1)
    assert [(task.runs, task.state) for task in town.tasks()] == [(2, TaskState.COMPLETED)]


def a_host_that_lost_its_lease_stops_what_it_runs(stage: Stage) -> None:
    town, mission, _ = stage.at_work("patient")
    host = the_host(town)
    first = psutil.Process(town.told("started")[0][2])
    with frozen(host):
        expire_host(town)
        wait_until(lambda: town.agents()["ann"].state is AgentState.COLD, "the host is released", 30)
    wait_until(lambda: len(town.told("started")) == 2, "the agent is back", 30)
    assert is_gone(first)
    assert the_host(town).pid == host.pid
    town.let_go()
    town.wait_completed(mission)


def clis_that_hear_no_signal_are_stopped(stage: Stage) -> None:
    town, _, _ = stage.at_work("deaf")
    deaf = psutil.Process(town.told("started")[0][2])
    assert "agents: stopped" in town.tt("stop")
    assert is_gone(deaf)


SCENARIOS = (
    a_killed_host_is_replaced_and_what_it_ran_is_stopped_before_the_run_is_repeated,
    a_child_that_never_came_on_record_is_found_although_others_released_its_host,
    a_host_that_was_frozen_past_its_lease_stores_nothing_and_starts_over,
    a_host_that_lost_its_lease_stops_what_it_runs,
    clis_that_hear_no_signal_are_stopped,
)


def play(scenario: Callable[[Stage], None], folder: Path) -> list[str]:
    """Run one; what it left running."""
    try:
        with ExitStack() as exit_stack:
            scenario(Stage(folder, exit_stack))
    finally:
        left = end(f"{folder}/")
    return left


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[list[str]]]]:
    """All of them: they wait more than they compute."""
    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        yield {one.__name__: pool.submit(play, one, tmp_path_factory.mktemp("slow")) for one in SCENARIOS}


@pytest.mark.parametrize("scenario", [one.__name__ for one in SCENARIOS])
def test_that(scenario: str, played: dict[str, Future[list[str]]]) -> None:
    assert played[scenario].result() == []
