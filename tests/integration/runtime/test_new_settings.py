"""A host that runs works with the settings as they are now."""

from __future__ import annotations

from structlog.testing import capture_logs
from tests.integration.runtime.hosted_town import COMMIT, HostedTown
from tests.waiting import wait_until

from tinytown.domain.agent import AgentState
from tinytown.domain.task import TaskState


def test_the_next_run_has_the_new_hooks_and_the_new_command(hosted: HostedTown) -> None:
    agent = hosted.spawn("backend")
    hosted.start()
    hosted.wait_for_state("backend", AgentState.IDLE)
    file = hosted.town.root / "tinytown.toml"
    text = file.read_text().replace("echo all done", "echo all new")
    file.write_text(text.replace("[worktree]\n", '[worktree]\nbefore_run = ["touch", "../hooked"]\n'))

    task = hosted.assign(agent)

    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "the task is done")
    assert (hosted.town.state / "worktrees" / "hooked").exists()
    assert "all new" in (hosted.town.agent_logs / "backend.log").read_text()

    file.write_text(text.replace("echo all new", "echo newer still"))
    second = hosted.assign(agent)

    wait_until(lambda: hosted.task(second).state is TaskState.COMPLETED, "the second task is done")
    assert "newer still" in (hosted.town.agent_logs / "backend.log").read_text()


def test_a_cli_that_is_configured_later_can_be_used(hosted: HostedTown) -> None:
    hosted.start()
    file = hosted.town.root / "tinytown.toml"
    file.write_text(f'{file.read_text()}[agent_clis.later]\ncommand = ["sh", "-c", "{COMMIT}; echo done"]\n')
    agent = hosted.reopened().agents.register("backend", cli="later").id

    task = hosted.assign(agent)

    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "the task is done")


def test_a_broken_file_keeps_the_old_settings_and_is_told_once(hosted: HostedTown) -> None:
    agent = hosted.spawn("backend")
    with capture_logs() as logs:
        hosted.start()
        hosted.wait_for_state("backend", AgentState.IDLE)
        (hosted.town.root / "tinytown.toml").write_text("[town\n")
        for _ in range(2):
            task = hosted.assign(agent)
            wait_until(lambda task=task: hosted.task(task).state is TaskState.COMPLETED, "done")  # type: ignore[misc]
    told = [entry for entry in logs if entry.get("action") == "settings_broken"]
    assert len(told) == 1
    assert "tinytown.toml:1:6" in told[0]["reason"]
