"""A whole host in this process: real agents' processes, a real store; only its end is told by the test."""

from __future__ import annotations

import os
import shutil
import stat

from tests.integration.runtime.hosted_town import HostedTown
from tests.integration.store.stores import make_message, make_spec
from tests.waiting import wait_until

from tinytown.domain.agent import AgentState
from tinytown.domain.event import Event
from tinytown.domain.task import TaskState
from tinytown.repository.git import Git
from tinytown.runtime.host_failures import TELL_AFTER, HostFailures
from tinytown.runtime.launcher import is_host_running
from tinytown.services.machine import state_folder
from tinytown.store.codec import encode


def test_a_full_disk_delays_a_run_and_loses_nothing(hosted: HostedTown) -> None:
    runs = hosted.town.state / "runs"
    runs.write_text("a file where a folder should be, as nothing can be made on a full disk")
    agent = hosted.spawn("backend")
    task = hosted.assign(agent)

    hosted.start()

    wait_until(lambda: hosted.task(task).nudges == 1, "the run was given up")
    handed = hosted.task(task)
    assert handed.state is TaskState.ASSIGNED
    assert handed.reason.startswith(f"{runs}: ")
    hosted.wait_for_state("backend", AgentState.IDLE)


def test_a_run_whose_conversation_cannot_be_kept_counts_all_the_same(hosted: HostedTown) -> None:
    (hosted.town.state / "sessions").write_text("a file where a folder should be")
    task = hosted.assign(hosted.spawn("backend", "remembering"))

    hosted.start()

    wait_until(lambda: not hosted.task(task).is_open, "the task has ended")
    assert (hosted.task(task).state, hosted.task(task).runs) == (TaskState.COMPLETED, 1)


def test_an_agent_that_is_put_in_error_gives_back_what_it_had(hosted: HostedTown) -> None:
    agent = hosted.spawn("backend")
    task = hosted.assign(agent, mission_id="m", item_id="i")
    hosted.town.connection.execute("HSET", hosted.town.keys("mission", "m", "work"), "i", "not JSON")

    hosted.start()

    hosted.wait_for_state("backend", AgentState.ERROR)
    broken, handed = hosted.agent("backend"), hosted.task(task)
    assert "internal error: DecodeError" in broken.reason
    assert (handed.state, handed.run_id, handed.reason) == (TaskState.ASSIGNED, None, broken.reason)
    assert (broken.run_id, broken.task_id) == (None, None)
    assert [message.task_id for message in hosted.town.messages.waiting("backend")] == [task]


def test_a_host_starts_although_nothing_can_be_cleared_away(hosted: HostedTown) -> None:
    folder = hosted.town.state / "worktrees"
    folder.mkdir()
    git = Git(hosted.town.root)
    git.run("worktree", "add", "--quiet", "--detach", str(folder / "damaged"))
    (folder / ".damaged.json").write_text("")
    (hosted.town.agent_logs / "dangling.log").parent.mkdir(parents=True)
    (hosted.town.agent_logs / "dangling.log").symlink_to("nowhere")
    hosted.spawn("backend")

    hosted.start()

    hosted.wait_for_state("backend", AgentState.IDLE)
    assert (folder / "damaged" / "README.md").exists()


def test_a_check_that_fails_in_an_unforeseen_way_ends_no_agents_run(hosted: HostedTown) -> None:
    connection, keys = hosted.town.connection, hosted.town.keys
    connection.execute("HSET", keys("pull", "1"), "state", "open", "head", "abc")  # without what is needed to check it
    connection.execute("ZADD", keys("checks", "queued"), "0", "1:abc")
    task = hosted.assign(hosted.spawn("backend", "waiting"))

    hosted.start()

    wait_until(lambda: connection.execute("HGET", keys("checks", "running"), "1:abc"), "the check was begun")
    wait_until((hosted.town.agent_logs / "backend.log").exists, "the task runs")
    (hosted.town.state / "worktrees" / "go").touch()
    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "the task was done")
    assert hosted.task(task).runs == 1
    assert hosted.is_running


def test_no_host_is_started_soon_after_one_that_died_and_a_person_is_told_once(hosted: HostedTown) -> None:
    hosted.spawn("backend")
    failures = HostFailures(hosted.town.state)
    for _ in range(TELL_AFTER):
        failures.note("git is broken", lived_secs=1, at=hosted.town.clock())

    for _ in range(3):
        hosted.town.ensure_host()

    assert not is_host_running(hosted.town.state)
    (told,) = hosted.town.messages.waiting("conductor")
    assert f"died {TELL_AFTER} times in a row, the last time of: git is broken" in told.text


def test_an_agent_that_is_started_anew_works_with_its_new_cli(hosted: HostedTown) -> None:
    agent = hosted.spawn("backend", "broken")
    task = hosted.assign(agent)
    hosted.start()
    hosted.wait_for_state("backend", AgentState.ERROR)

    assert hosted.spawn("backend", "ready") == agent

    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "what waited is done")
    hosted.town.agents.kill("backend")
    assert hosted.spawn("backend", "remembering") == agent  # at once: the host may not have seen it stop
    second = hosted.assign(agent)
    wait_until(lambda: hosted.task(second).state is TaskState.COMPLETED, "the new task is done")
    assert hosted.task(second).result == "done"


def test_a_task_that_is_taken_back_while_its_claim_is_on_its_way_starts_no_cli(hosted: HostedTown) -> None:
    agent = hosted.spawn("backend")
    hosted.start()
    hosted.wait_for_state("backend", AgentState.IDLE)
    spec = make_spec(created_at=hosted.town.clock())
    taken_back = Event(id="1-1", at=spec.created_at, type="task.cancelled", task_id=spec.id, agent_id=agent)

    hosted.tell(agent, taken_back)
    hosted.town.task_store.assign(spec, agent, spec.created_at)

    wait_until(lambda: hosted.task(spec.id).nudges == 1, "the run has ended")
    assert hosted.task(spec.id).reason.startswith("it was stopped before it began")
    assert not (hosted.town.agent_logs / "backend.log").exists()


def test_a_message_whose_event_was_missed_is_found_soon(hosted: HostedTown) -> None:
    agent = hosted.spawn("backend")
    hosted.start(sweep_secs=0.1)
    hosted.wait_for_state("backend", AgentState.IDLE)
    message = make_message(agent, "work")
    inbox = hosted.town.keys("inbox", agent)

    hosted.town.connection.execute("HSET", f"{inbox}:messages", message.id, encode(message))
    hosted.town.connection.execute("ZADD", inbox, 1, message.id)

    wait_until(lambda: hosted.agent("backend").rounds_completed == 1, "it was run")


def test_nobody_else_can_look_into_the_folder_of_a_fresh_clone(hosted: HostedTown) -> None:
    state = hosted.town.state
    shutil.rmtree(state)
    before = os.umask(0o022)
    try:
        dispatcher = hosted.town.dispatcher()
        dispatcher.tick(is_full=True)
        dispatcher.leave()
    finally:
        os.umask(before)

    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / "dispatchers").stat().st_mode) == 0o700
    state.chmod(0o755)
    state_folder(hosted.town.root)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_failed_hook_after_a_run_is_told_in_events_and_log_and_fails_nothing(hosted: HostedTown) -> None:
    hosted.set_up('[worktree]\nafter_run = ["sh", "-c", "echo no room; exit 3"]\n')
    agent = hosted.spawn("backend")
    task = hosted.assign(agent)

    hosted.start()

    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "the task is done all the same")
    (event,) = [one for one in hosted.town.insights.town(with_events=True).events if one.type == "hook.failed"]
    assert (event.agent_id, event.task_id) == (agent, task)
    assert event.text.startswith("hook after_run failed (exit code 3): no room; see ")
    assert f"tinytown: {event.text}" in (hosted.town.agent_logs / "backend.log").read_text().splitlines()


def test_a_hook_after_a_run_whose_log_cannot_be_written_fails_nothing(hosted: HostedTown) -> None:
    hosted.set_up('[worktree]\nafter_run = ["true"]\n')
    (hosted.town.state / "logs").mkdir(exist_ok=True)
    (hosted.town.state / "logs" / "hooks").write_text("a file where a folder should be")
    task = hosted.assign(hosted.spawn("backend"))

    hosted.start()

    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "the task is done all the same")
    assert hosted.task(task).runs == 1


def test_a_host_whose_town_was_removed_ends(hosted: HostedTown) -> None:
    hosted.spawn("backend")
    hosted.start()
    hosted.wait_for_state("backend", AgentState.IDLE)

    shutil.rmtree(hosted.town.root)

    wait_until(lambda: not hosted.is_running, "it ends")
    assert not hosted.town.root.exists()
    assert hosted.agent("backend").state is AgentState.COLD


def test_a_hook_that_fails_before_a_run_is_no_try_of_the_agent_and_says_until_when_is_waited(
    hosted: HostedTown,
) -> None:
    hosted.set_up('[worktree]\nbefore_run = ["sh", "-c", "echo no network; exit 3"]\n')
    task = hosted.assign(hosted.spawn("backend"))

    hosted.start()

    wait_until(lambda: hosted.task(task).hook_failures == 1, "the hook has failed")
    after = hosted.task(task)
    assert after.reason.startswith("hook before_run failed (exit code 3): no network; see ")
    assert (after.state, after.nudges) == (TaskState.ASSIGNED, 0)
    assert after.retry_at is not None
    assert after.retry_at > hosted.town.clock()
