"""Each fault on its own: what is lost, what is repeated, and what goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.chaos.scenario import ACTORS, AGENTS, TEST_COMMAND, ChaosTown, closed, expire_lease, kill, simple_issue
from tests.chaos.verdict import check_outcome, check_pulls
from tests.leftovers import is_gone
from tests.waiting import wait_until

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import StoreUnavailableError
from tinytown.domain.workitem import Verdict, WorkStatus
from tinytown.repository.lock import locked
from tinytown.store.connection import connect
from tinytown.store.dispatchers import DispatcherStore
from tinytown.store.server import server_url


class Stage:
    """Makes the towns of one test, and leaves nothing running."""

    def __init__(self, folder: Path, exit_stack: ExitStack) -> None:
        self._folder = folder
        self._exit_stack = exit_stack

    def town(self, settings: str = "", **options: Any) -> ChaosTown:
        options = {"issues": simple_issue(), "checks": (), **options}
        made = ChaosTown.found(self._folder / "repo", settings=settings + ACTORS, **options)
        return self._exit_stack.enter_context(closed(made))

    def at_work(self, cli: str, settings: str = "", **options: Any) -> tuple[ChaosTown, str, psutil.Process]:
        """A town with one agent, which is at the only item; the town, the mission's id and the dispatcher."""
        town = self.town(settings, **options)
        town.tt("spawn", "ann", "--cli", cli, "--role", "designer")
        mission = town.start(1)
        dispatcher = town.dispatch()
        wait_until(lambda: town.told("started"), "the agent is at work", 20)
        return town, mission, dispatcher


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as exit_stack:
        yield Stage(tmp_path, exit_stack)


@contextmanager
def frozen(*processes: psutil.Process) -> Iterator[None]:
    """Processes that do nothing for a while, as on a machine that is suspended."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.send_signal(signal.SIGCONT)


def the_host(town: ChaosTown) -> psutil.Process:
    host = town.host
    assert host is not None
    return host


def the_server(town: ChaosTown) -> psutil.Process:
    server = town.server
    assert server is not None
    return server


def expire_host(town: ChaosTown, agent: str = "ann") -> None:
    """Have the lease of an agent's host run out now, and the time that it is given to come back."""
    host_id = town.agents()[agent].host_id or ""
    expire_lease(town, "host", host_id, "lease")
    town.connection.execute("HSET", town.keys("host", host_id), "missed_at", 1)


def merges(town: ChaosTown) -> list[str]:
    lines = town.git.line("log", "--first-parent", "--format=%s", "main").splitlines()
    return [line for line in lines if line.startswith("Merge pull request")]


class TestHost:
    def test_stopping_the_town_stops_what_a_killed_host_left(self, stage: Stage) -> None:
        town, _, dispatcher = stage.at_work("patient")
        first = psutil.Process(town.told("started")[0][2])
        kill(dispatcher)
        kill(the_host(town))
        assert "what a dead host had left is stopped" in town.tt("stop")
        assert is_gone(first)


class TestDispatcher:
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_one_that_is_killed_around_the_merge_is_followed_by_one_that_merges_once(
        self, stage: Stage, moment: str
    ) -> None:
        town, mission, dispatcher = stage.at_work("patient")
        with locked(town.state / "git.lock"):  # merging waits for it
            town.let_go()
            wait_until(lambda: _is_mergeable(town, mission), "it can be merged", 20)
            wait_until(lambda: _waits_for_a_lock(dispatcher.pid), "it is about to be merged", 20)
            server = the_server(town)
            if moment == "before":
                kill(dispatcher)
            else:
                server.send_signal(signal.SIGSTOP)  # what follows the merge is not stored
        if moment == "after":
            wait_until(lambda: merges(town), "main has moved")
            kill(dispatcher)
            kill(server)
        town.dispatch()
        town.wait_completed(mission)
        assert len(merges(town)) == 1
        check_pulls(town, mission, ())
        assert [event.type for event in town.all_events()].count("pull.merged") == 2, "the forge's word, and ours"

    def test_two_of_them_do_everything_once(self, stage: Stage) -> None:
        town = ChaosTown.found(stage._folder / "repo")
        with closed(town):
            town.spawn_all(AGENTS)
            mission = town.start(1, 2, 3, 4)
            town.dispatch()
            town.dispatch()
            town.wait_completed(mission)
            order = (("#1", "#2"), ("#2", "#3"), ("#1", "#4"))
            check_outcome(town, mission, order=order, most_runs=1, test_command=TEST_COMMAND, dispatchers=2)

    def test_one_that_was_frozen_in_the_middle_of_a_step_writes_nothing_after_another_took_over(
        self, stage: Stage
    ) -> None:
        town, mission, late = stage.at_work("patient")
        with locked(town.state / "git.lock"):
            town.let_go()
            wait_until(lambda: _is_mergeable(town, mission), "it can be merged", 20)
            wait_until(lambda: _waits_for_a_lock(late.pid), "it is about to be merged", 20)
            late.send_signal(signal.SIGSTOP)
            wait_until(lambda: late.status() == psutil.STATUS_STOPPED, "it has stopped, and not got the lock")
        expire_lease(town, "mission", mission, "lease")
        town.dispatch()
        town.wait_completed(mission)
        version = town.mission(mission).mission.version
        late.send_signal(signal.SIGCONT)
        town.tt("mission", "dispatch", "--once")
        wait_until(lambda: _steps(town, late.pid) > 0, "the late one has gone on", 20)
        assert town.mission(mission).mission.version == version
        assert len(merges(town)) == 1


def _waits_for_a_lock(pid: int) -> bool:
    waiting = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "-> FLOCK" in line]
    return str(pid) in {words[5] for words in waiting}


def _is_mergeable(town: ChaosTown, mission: str) -> bool:
    pull = town.item(mission, "#1").pull
    return pull is not None and pull.mergeable is Verdict.PASSED


def _steps(town: ChaosTown, pid: int) -> int:
    found = [record for record in DispatcherStore(town.connection, town.keys).all() if record.pid == pid]
    return found[0].steps if found else 0


class TestServer:
    def test_an_agents_report_brings_a_killed_server_back_with_everything_in_it(self, stage: Stage) -> None:
        town, mission, dispatcher = stage.at_work("patient")
        with frozen(the_host(town), dispatcher):
            before = _contents(town)
            server = the_server(town)
            kill(server)
            with pytest.raises(StoreUnavailableError):
                connect(server_url(town.root))
            town.let_go()
            wait_until(lambda: town.told("report"), "the report has gone through", 20)
            assert town.told("report")[0][0] == "report-0"
            after = _contents(town)
            assert the_server(town).pid != server.pid
        task = next(name for name in before if ":task:" in name)
        assert {name for name in before if before[name] != after.get(name)} == {task, f"{town.keys.prefix}:events"}
        town.wait_completed(mission)
        assert [task.runs for task in town.tasks()] == [1]

    def test_a_socket_and_a_pid_file_left_behind_are_no_obstacle(self, stage: Stage) -> None:
        town, mission, _ = stage.at_work("patient")
        town.kill_everything()
        bystander = subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE)
        try:
            assert (town.state / "redis.sock").is_socket()
            (town.state / "redis" / "redis.pid").write_text(str(bystander.pid))
            (town.state / "host.lock").write_text(str(bystander.pid))
            assert "ann" in town.tt("status")
            town.dispatch()
            town.let_go()
            town.wait_completed(mission)
            town.tt("stop")
            assert bystander.poll() is None
        finally:
            bystander.kill()
            bystander.communicate()


def _contents(town: ChaosTown) -> dict[str, Any]:
    names = [name.decode() for name in town.connection.execute("KEYS", "*")]
    kept = [name for name in sorted(names) if not name.endswith((":lease", ":dispatchers"))]
    return {name: _content(town, name) for name in kept}


def _content(town: ChaosTown, name: str) -> Any:
    """What a key holds; a hash's fields have another order in each life of the server."""
    if town.connection.execute("TYPE", name) == b"hash":
        flat = town.connection.execute("HGETALL", name)
        return dict(zip(flat[::2], flat[1::2], strict=True))
    return town.connection.execute("DUMP", name)


class TestAgent:
    def test_daemons_that_a_cli_leaves_behind_are_stopped_when_its_run_ends(self, stage: Stage) -> None:
        town = stage.town()
        town.tt("spawn", "ann", "--cli", "leaving", "--role", "designer")
        mission = town.start(1)
        town.dispatch()
        town.wait_completed(mission)
        ((_, _, daemon),) = town.told("daemon")
        assert daemon not in [process.pid for process in town.living()]

    def test_stopping_the_town_ends_agents_then_host_then_server_and_work_goes_on_later(self, stage: Stage) -> None:
        town, mission, dispatcher = stage.at_work("patient")
        agent = psutil.Process(town.told("started")[0][2])
        host, server = the_host(town), the_server(town)
        stopping = town.background("stop")
        while not is_gone(stopping):
            is_server_gone, is_host_gone, is_agent_gone = is_gone(server), is_gone(host), is_gone(agent)
            assert is_server_gone <= is_host_gone <= is_agent_gone
        assert town.living() == []
        assert is_gone(dispatcher)
        town.let_go()
        town.dispatch()
        town.wait_completed(mission)
        assert [task.runs for task in town.tasks()] == [2]

    def test_the_item_of_an_agent_that_is_killed_by_force_goes_to_another(self, stage: Stage) -> None:
        town, mission, _ = stage.at_work("patient")
        first = psutil.Process(town.told("started")[0][2])
        town.tt("spawn", "bob", "--cli", "patient", "--role", "designer")
        town.tt("kill", "ann", "--force")
        wait_until(lambda: len(town.told("started")) == 2, "somebody else is at it", 20)
        wait_until(lambda: is_gone(first), "ann's CLI is stopped", 20)
        town.let_go()
        town.wait_completed(mission)
        agents = town.agents()
        assert (agents["ann"].state, agents["bob"].tasks_completed) == (AgentState.STOPPED, 1)
        files = town.git.line("ls-tree", "--name-only", "main").splitlines()
        assert len([name for name in files if name.startswith("part-")]) == 2, "what ann committed is kept"

    def test_a_run_that_did_nothing_is_told_so_then_failed_then_held_and_help_asked_once(self, stage: Stage) -> None:
        town, mission, _ = stage.at_work("lazy", "[agent]\nmax_nudges = 1\n[mission]\nmax_attempts = 1\n")
        wait_until(lambda: town.item(mission, "#1").hold is not None, "a person is asked", 30)
        runs = [run_id for _, run_id, _ in town.told("started")]
        prompts = [(town.state / "runs" / f"{run_id}.prompt.md").read_text() for run_id in runs]
        reason = "its branch has no commit"
        assert [reason in prompt for prompt in prompts] == [False, True]
        item = town.item(mission, "#1")
        assert (item.status, item.failed_attempts) == (WorkStatus.BLOCKED, 1)
        assert reason in (item.hold or "")
        town.tt("mission", "dispatch", "--once")
        assert town.connection.execute("ZCARD", town.keys("inbox", "conductor")) == 1
        assert reason in town.tt("inbox", "conductor")


class TestCheck:
    def test_the_check_of_a_killed_host_is_stopped_and_done_again(self, stage: Stage) -> None:
        town, mission = checking(stage)
        first = psutil.Process(int((town.stage / "checking").read_text()))
        kill(the_host(town))
        assert not is_gone(first)
        wait_until(lambda: is_gone(first), "the old check is stopped", 20)
        town.let_go()
        town.wait_completed(mission)

    def test_stopping_the_town_stops_the_check_of_a_killed_host(self, stage: Stage) -> None:
        town, _ = checking(stage)
        first = psutil.Process(int((town.stage / "checking").read_text()))
        kill(psutil.Process(_dispatcher_pid(town)))
        kill(the_host(town))
        town.tt("stop")
        assert is_gone(first)


CHECK = """
import os, pathlib, time
stage = pathlib.Path(os.environ["CHAOS_STAGE"])
(stage / "checking.part").write_text(str(os.getpid()))
(stage / "checking.part").rename(stage / "checking")
while not (stage / "go").exists():
    time.sleep(0.01)
"""


def checking(stage: Stage) -> tuple[ChaosTown, str]:
    """A town that is in the middle of a check; it and the mission's id."""
    town = stage.town(checks=((sys.executable, "-c", CHECK),))
    town.tt("spawn", "ann", "--cli", "leaving", "--role", "designer")
    mission = town.start(1)
    town.dispatch()
    wait_until((town.stage / "checking").exists, "the check runs", 20)
    return town, mission


def _dispatcher_pid(town: ChaosTown) -> int:
    return next(process.pid for process in town.living() if process.cmdline()[-1] == "dispatch")
