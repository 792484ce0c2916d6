"""Agents that are interrupted, closed and restarted while a real host runs real children."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from tests.integration.runtime.hosted_town import HostedTown
from tests.waiting import wait_until

from tinytown.domain.agent import AgentState
from tinytown.domain.message import MessageKind
from tinytown.domain.task import TaskState
from tinytown.runtime.launcher import host_lock
from tinytown.runtime.run_records import RunRecords

COUNTING = """
[agent_clis.counting]
command = ["sh", "-c", "echo begun; until [ -e ../go ]; do sleep 0.02; done; echo answered"]
"""


def children(hosted: HostedTown) -> list[psutil.Process]:
    """The living CLIs."""
    pids = [child.pid for child in RunRecords(hosted.town.state / "runs").all()]
    return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]


def wait_for_child(hosted: HostedTown, name: str) -> psutil.Process:
    log = hosted.town.agent_logs / f"{name}.log"
    wait_until(lambda: log.exists() and b"begun" in log.read_bytes(), "the CLI runs")
    wait_until(lambda: children(hosted), "the CLI is on record")
    (child,) = children(hosted)
    return child


@pytest.fixture
def alone(hosted: HostedTown) -> Iterator[None]:
    """The test's host has the machine's lock, as a host's process has: no other is started."""
    with host_lock(hosted.town.state) as is_ours:
        assert is_ours
        yield


def let_go_on(hosted: HostedTown) -> None:
    (hosted.town.state / "worktrees" / "go").touch()


def is_gone(child: psutil.Process) -> bool:
    return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_an_interrupted_run_is_stopped_and_begun_anew_when_its_agent_is_resumed(hosted: HostedTown) -> None:
    task = hosted.assign(hosted.spawn("backend", "waiting"))
    hosted.start()
    child = wait_for_child(hosted, "backend")

    assert hosted.town.agents.interrupt("backend") is AgentState.PAUSED

    wait_until(lambda: is_gone(child), "the CLI was stopped")
    wait_until(lambda: hosted.agent("backend").run_id is None, "its run has ended")
    (paused,), handed = hosted.town.agents.all(), hosted.task(task)
    assert (paused.state, paused.rounds_completed, paused.open_tasks) == (AgentState.PAUSED, 0, 1)
    assert (handed.state, handed.nudges, handed.reason) == (TaskState.ASSIGNED, 0, "interrupted by a person")
    second = hosted.assign(paused.id)
    let_go_on(hosted)
    hosted.town.agents.resume("backend")
    wait_until(lambda: hosted.task(second).state is TaskState.COMPLETED, "what came meanwhile is done too")
    done = hosted.task(task)
    assert (done.state, done.runs) == (TaskState.COMPLETED, 2)
    assert done.head is not None


def test_a_question_is_not_used_up_by_interruptions(hosted: HostedTown) -> None:
    hosted.set_up(COUNTING)
    hosted.spawn("backend", "counting")
    hosted.town.messages.send("backend", "Which port?", MessageKind.QUERY)
    hosted.start()
    for _ in range(4):
        wait_until(lambda: hosted.agent("backend").run_id is not None, "a run is under way")
        hosted.town.agents.interrupt("backend")
        wait_until(lambda: hosted.agent("backend").run_id is None, "it has ended")
        hosted.town.agents.resume("backend")

    assert [message.text for message in hosted.town.messages.waiting("backend")] == ["Which port?"]
    let_go_on(hosted)
    wait_until(lambda: hosted.town.messages.waiting("backend") == [], "the question is dealt with")
    assert hosted.agent("backend").rounds_completed == 1


def test_an_interrupted_agent_stays_so_when_its_host_ends_and_another_starts(hosted: HostedTown) -> None:
    agent = hosted.spawn("backend")
    hosted.start()
    hosted.wait_for_state("backend", AgentState.IDLE)
    hosted.town.agents.interrupt("backend")
    hosted.stop()
    hosted.wait_for_state("backend", AgentState.COLD)
    task = hosted.assign(agent)

    hosted.start()

    hosted.wait_for_state("backend", AgentState.PAUSED)
    assert hosted.task(task).runs == 0
    hosted.town.agents.resume("backend")
    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "it goes on")


def test_a_closed_agent_does_what_it_has_and_stops(hosted: HostedTown) -> None:
    agent = hosted.spawn("backend", "waiting")
    first, second = hosted.assign(agent), hosted.assign(agent)
    hosted.start()
    wait_for_child(hosted, "backend")

    assert hosted.town.agents.close("backend") is AgentState.DRAINING
    hosted.town.messages.send("backend", "one more thing", MessageKind.QUERY)
    let_go_on(hosted)

    hosted.wait_for_state("backend", AgentState.STOPPED)
    assert [hosted.task(task).state for task in (first, second)] == [TaskState.COMPLETED] * 2
    assert [message.text for message in hosted.town.messages.waiting("backend")] == ["one more thing"]


@pytest.mark.usefixtures("alone")
def test_an_agent_that_is_restarted_by_force_ends_its_run_and_begins_anew(hosted: HostedTown) -> None:
    task = hosted.assign(hosted.spawn("backend", "waiting"))
    hosted.start()
    child = wait_for_child(hosted, "backend")

    assert hosted.town.agents.restart("backend", is_forced=True) is AgentState.PAUSED

    wait_until(lambda: is_gone(child), "the CLI was stopped")
    wait_until(lambda: hosted.task(task).runs == 2, "its task is begun anew")
    let_go_on(hosted)
    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "it is done")
    assert hosted.agent("backend").starts == 1


@pytest.mark.usefixtures("alone")
def test_an_agent_in_error_works_again_once_it_is_restarted(hosted: HostedTown) -> None:
    task = hosted.assign(hosted.spawn("backend", "broken"))
    hosted.start()
    hosted.wait_for_state("backend", AgentState.ERROR)
    program = hosted.town.root.parent / "broken"
    program.write_text("#!/bin/sh\ngit commit --quiet --allow-empty -m Work\necho done\n")

    assert hosted.town.agents.restart("backend") is AgentState.STARTING

    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "what waited is done")
    assert hosted.agent("backend").reason == ""


def test_an_agent_that_waits_for_a_rate_limit_goes_on_as_soon_as_it_is_resumed(hosted: HostedTown) -> None:
    program = hosted.town.root.parent / "limited"
    program.write_text(
        "#!/bin/sh\n"
        "if [ -e ../go ]; then git commit --quiet --allow-empty -m Work; echo done; exit 0; fi\n"
        "echo 'Error 429: rate limit exceeded, try again in 3600 seconds'\nexit 1\n"
    )
    program.chmod(0o755)
    hosted.set_up(f'[agent_clis.limited]\ncommand = ["{program}"]\n')
    task = hosted.assign(hosted.spawn("backend", "limited"))
    hosted.start()
    hosted.wait_for_state("backend", AgentState.PAUSED)
    let_go_on(hosted)

    state, until = hosted.town.agents.resume("backend")

    assert state is AgentState.IDLE
    assert until is not None
    assert until > hosted.town.clock()
    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "it did not wait for the limit's end")
