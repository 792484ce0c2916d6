"""A host whose idle agents take from the backlog."""

from __future__ import annotations

from tests.integration.runtime.hosted_town import HostedTown
from tests.integration.store.stores import make_message
from tests.waiting import wait_until

from tinytown.domain.agent import AgentState
from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.task import TaskState

NEVER = 3600.0
"""No sweep: what happens, happens because of events."""


def wait_for(hosted: HostedTown, task_id: str, state: TaskState = TaskState.COMPLETED) -> None:
    wait_until(lambda: hosted.task(task_id).state is state, f"the task is {state.value}")


def let_go_on(hosted: HostedTown) -> None:
    """End the runs of agents that wait."""
    worktrees = hosted.town.state / "worktrees"
    worktrees.mkdir(exist_ok=True)  # the run may not have come so far
    (worktrees / "go").touch()


def test_idle_agent_takes_a_task_as_soon_as_it_is_added(hosted: HostedTown) -> None:
    hosted.spawn("backend")
    hosted.start(sweep_secs=NEVER)
    hosted.wait_for_state("backend", AgentState.IDLE)

    task = hosted.town.backlog.add("Say hello.")

    wait_for(hosted, task.id)
    assert (hosted.task(task.id).agent_id, hosted.task(task.id).result) == (hosted.agent("backend").id, "all done")
    (told,) = hosted.town.messages.waiting(CONDUCTOR)
    assert f"Task {task.id[:8]} (Say hello.) is completed" in told.text


def test_agent_goes_on_with_the_next_task_when_its_run_has_ended(hosted: HostedTown) -> None:
    tasks = [hosted.town.backlog.add(f"task {number}") for number in range(3)]
    hosted.spawn("backend")

    hosted.start(sweep_secs=NEVER)

    wait_until(lambda: hosted.agent("backend").tasks_completed == 3, "everything is done")
    started = [hosted.task(task.id).started_at for task in tasks]
    assert None not in started
    assert started == sorted(started, key=str)


def test_task_goes_to_whom_it_is_for_and_waits_while_that_is_busy(hosted: HostedTown) -> None:
    hosted.spawn("backend", "waiting")
    hosted.spawn("frontend")
    hosted.start(sweep_secs=NEVER)
    hosted.wait_for_state("frontend", AgentState.IDLE)
    first = hosted.town.backlog.add("one", ("role:backend",))
    wait_for(hosted, first.id, TaskState.RUNNING)

    second = hosted.town.backlog.add("two", ("role:backend",))
    third = hosted.town.backlog.add("three")

    wait_for(hosted, third.id)
    assert hosted.task(third.id).agent_id == hosted.agent("frontend").id
    assert hosted.task(second.id).state is TaskState.PENDING
    let_go_on(hosted)
    wait_for(hosted, second.id)
    assert hosted.task(second.id).agent_id == hosted.agent("backend").id


def test_task_goes_to_others_when_the_last_agent_that_it_is_for_stops(hosted: HostedTown) -> None:
    hosted.spawn("backend", "waiting")
    hosted.spawn("frontend")
    hosted.start(sweep_secs=NEVER)
    first = hosted.town.backlog.add("one", ("role:backend",))
    wait_for(hosted, first.id, TaskState.RUNNING)
    second = hosted.town.backlog.add("two", ("role:backend",))

    hosted.town.agents.kill("backend", is_forced=True)

    wait_for(hosted, second.id)
    wait_for(hosted, first.id)  # its agent gave it back
    assert {hosted.task(task.id).agent_id for task in (first, second)} == {hosted.agent("frontend").id}
    assert hosted.task(first.id).runs == 2


def test_message_that_starts_a_run_comes_before_the_backlog(hosted: HostedTown) -> None:
    agent = hosted.spawn("backend", "waiting")
    hosted.town.inbox.send(make_message(agent))
    task = hosted.town.backlog.add("one")

    hosted.start(sweep_secs=NEVER)

    hosted.wait_for_state("backend", AgentState.WORKING)
    assert (hosted.agent("backend").task_id, hosted.task(task.id).state) == (None, TaskState.PENDING)
    let_go_on(hosted)
    wait_for(hosted, task.id)


def test_agents_take_nothing_when_the_settings_say_so_until_they_say_otherwise(hosted: HostedTown) -> None:
    hosted.set_up("[agent]\ntakes_backlog = false\n")
    hosted.spawn("backend")
    task = hosted.town.backlog.add("one")
    hosted.start(sweep_secs=NEVER)
    hosted.wait_for_state("backend", AgentState.IDLE)
    given = hosted.assign(hosted.agent("backend").id)
    wait_for(hosted, given)
    hosted.wait_for_state("backend", AgentState.IDLE)
    assert hosted.task(task.id).state is TaskState.PENDING

    file = hosted.town.root / "tinytown.toml"
    file.write_text(file.read_text().replace("takes_backlog = false", "takes_backlog = true"))
    second = hosted.town.backlog.add("two")

    wait_for(hosted, task.id)
    wait_for(hosted, second.id)


def test_agent_whose_cli_cannot_be_started_leaves_the_task_to_others(hosted: HostedTown) -> None:
    hosted.spawn("backend", "broken")
    task = hosted.town.backlog.add("one")
    hosted.start(sweep_secs=NEVER)
    hosted.wait_for_state("backend", AgentState.ERROR)
    wait_for(hosted, task.id, TaskState.PENDING)

    hosted.spawn("frontend")

    wait_for(hosted, task.id)
    assert hosted.agent("backend").reason


def test_task_whose_run_is_cut_by_a_host_that_ends_is_done_by_the_next_one(hosted: HostedTown) -> None:
    hosted.spawn("backend", "waiting")
    task = hosted.town.backlog.add("one")
    hosted.start(sweep_secs=NEVER)
    wait_for(hosted, task.id, TaskState.RUNNING)

    hosted.stop()

    assert (hosted.task(task.id).state, hosted.agent("backend").state) == (TaskState.ASSIGNED, AgentState.COLD)
    let_go_on(hosted)
    hosted.start(sweep_secs=NEVER)
    wait_for(hosted, task.id)
    assert hosted.task(task.id).runs == 2
