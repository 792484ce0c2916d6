"""Processes that outlive their run: their worktree is given to nobody until they are gone, and a person is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from tests.integration.runtime.conftest import is_gone
from tests.integration.runtime.hosted_town import HostedTown
from tests.repositories import make_repository
from tests.waiting import wait_until

from tinytown.bootstrap_host import host_of
from tinytown.domain.agent import AgentState
from tinytown.domain.errors import WorktreeOccupiedError
from tinytown.domain.ids import new_id
from tinytown.domain.task import TaskState
from tinytown.repository.worktree import Worktrees
from tinytown.runtime.environment import RUN_MARKER, TOWN_MARKER
from tinytown.runtime.ladder import Ladder
from tinytown.runtime.occupants import Occupants
from tinytown.runtime.orphans import ChildIdentity
from tinytown.runtime.run_records import RunRecords
from tinytown.runtime.survivors import Survivor, Survivors

DAEMON = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.chdir(sys.argv[1])
print(os.getpid(), flush=True)
os.close(1)
time.sleep(600)
"""


class Powerless(Ladder, frozen=True, kw_only=True):
    """Stands for a process that hangs in the kernel: no signal reaches it."""

    def rungs(self) -> tuple[tuple[signal.Signals, float], ...]:
        return ()


class Daemons:
    """Processes that left the session and the family they were started in."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def start(self, folder: Path, **environ: str) -> int:
        argv = [sys.executable, "-c", DAEMON, str(folder)]
        said = subprocess.run(argv, env=environ, stdout=subprocess.PIPE, text=True, check=True)
        self.pids.append(int(said.stdout))
        return self.pids[-1]

    def end(self, pid: int) -> None:
        if not is_gone(pid):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid), f"{pid} is gone")


@pytest.fixture
def daemons() -> Iterator[Daemons]:
    made = Daemons()
    yield made
    for pid in made.pids:
        made.end(pid)


def begin(hosted: HostedTown, **changes: Any) -> None:
    """Have a host that looks often whether a worktree is free again."""
    runner = host_of(hosted.town)._tools.runner
    hosted.start(runner=msgspec.structs.replace(runner, occupied_retry_secs=0.2), **changes)


def told(hosted: HostedTown) -> list[str]:
    return [message.text for message in hosted.town.messages.waiting("conductor")]


def test_a_worktree_with_a_living_process_in_it_is_held_and_the_try_does_not_count(
    hosted: HostedTown, daemons: Daemons
) -> None:
    agent, task = hosted.spawn("backend"), new_id()
    name = f"task-{task[:8]}"
    worktree = hosted.town.worktrees().prepare(name, branch=f"tt/{name}", base="main", owner=task).path
    pid = daemons.start(worktree)

    begin(hosted)
    hosted.assign(agent, id=task)

    wait_until(lambda: hosted.task(task).reason, "it is refused")
    wait_until(lambda: hosted.task(task).runs > 2, "it is tried again")
    held = hosted.task(task)
    assert f"process {pid} " in held.reason
    assert worktree.name in held.reason
    assert (held.nudges, hosted.agent("backend").rounds_completed) == (0, 0)
    assert len(told(hosted)) == 1
    assert str(pid) in told(hosted)[0]
    daemons.end(pid)
    wait_until(lambda: hosted.task(task).state is TaskState.COMPLETED, "it is given out again")
    assert list((hosted.town.state / "survivors").iterdir()) == []


def test_what_a_new_host_cannot_stop_is_remembered_and_told_once(hosted: HostedTown, daemons: Daemons) -> None:
    state = hosted.town.state
    (state / "worktrees").mkdir(parents=True)
    marks = {RUN_MARKER: "r-1", TOWN_MARKER: str(hosted.town.root)}
    pid = daemons.start(state / "worktrees", **marks)
    hosted.spawn("backend")

    for _ in range(2):
        begin(hosted, leftovers=Powerless())
        wait_until(lambda: told(hosted), "a person is told")
        hosted.wait_for_state("backend", AgentState.IDLE)
        hosted.stop()

    assert [survivor.pid for survivor in Survivors(state / "survivors").living()] == [pid]
    assert len(told(hosted)) == 1
    assert f"process {pid} " in told(hosted)[0]
    begin(hosted)
    wait_until(lambda: is_gone(pid), "the next host that can stops it")
    wait_until(lambda: list((state / "survivors").iterdir()) == [], "and forgets it")


@pytest.fixture
def worktrees(tmp_path: Path) -> Worktrees:
    git = make_repository(tmp_path / "repo")
    state = git.folder / ".tt"
    (state / "runs").mkdir(parents=True)
    occupants = Occupants(Survivors(state / "survivors"), RunRecords(state / "runs"), patience_secs=0.1)
    return Worktrees(git.folder, state / "worktrees", guard=occupants.refuse)


def prepared(worktrees: Worktrees) -> Path:
    return worktrees.prepare("1-x", branch="tt/1-x", base="main", owner="item").path


def test_a_daemon_without_mark_and_session_keeps_its_worktree_from_being_given_out(
    worktrees: Worktrees, daemons: Daemons
) -> None:
    folder = prepared(worktrees)
    (folder / "deep").mkdir()
    pid = daemons.start(folder / "deep")
    with pytest.raises(WorktreeOccupiedError, match=rf"process {pid} \(.*\) .*1-x.*kill {pid}"):
        prepared(worktrees)
    with pytest.raises(WorktreeOccupiedError):
        worktrees.checkout_for_review("1-x", "main")
    daemons.end(pid)
    assert prepared(worktrees) == folder


def test_a_survivor_keeps_its_worktree_wherever_it_is(worktrees: Worktrees, daemons: Daemons, tmp_path: Path) -> None:
    folder = prepared(worktrees)
    pid = daemons.start(tmp_path)
    survivors = Survivors(folder.parents[1] / "survivors")
    survivors.note(Survivor.of(psutil.Process(pid), folder=folder, is_ours=True))
    with pytest.raises(WorktreeOccupiedError, match=f"process {pid} "):
        prepared(worktrees)
    daemons.end(pid)
    assert prepared(worktrees) == folder
    assert survivors.living() == []


def test_daemons_of_hooks_other_folders_and_our_own_children_do_not_keep_a_worktree(
    worktrees: Worktrees, daemons: Daemons, tmp_path: Path
) -> None:
    folder = prepared(worktrees)
    daemons.start(folder, TINYTOWN_WORKTREE=str(folder))
    (tmp_path / "repo" / ".tt" / "worktrees" / "1-xy").mkdir()
    daemons.start(tmp_path / "repo" / ".tt" / "worktrees" / "1-xy")
    child = subprocess.Popen([sys.executable, "-c", "input()"], cwd=folder, stdin=subprocess.PIPE)
    try:
        assert prepared(worktrees) == folder
    finally:
        child.communicate()


def recorded(worktrees: Worktrees, pid: int, folder: Path) -> RunRecords:
    """A run under way on record, with that process, begun in that folder."""
    records = RunRecords(worktrees.folder.parent / "runs")
    started = psutil.Process(pid).create_time()
    records.add(ChildIdentity(pid=pid, start_time=started, session_id=pid, run_id="r-1", folder=str(folder)))
    return records


def test_a_run_that_still_ends_in_its_worktree_keeps_it_and_nobody_is_told(
    worktrees: Worktrees, daemons: Daemons
) -> None:
    folder = prepared(worktrees)
    pid = daemons.start(folder, **{RUN_MARKER: "r-1"})
    records = recorded(worktrees, pid, folder)
    with pytest.raises(WorktreeOccupiedError, match=rf"process {pid} .* 1-x"):
        prepared(worktrees)
    assert Survivors(folder.parents[1] / "survivors").living() == []
    daemons.end(pid)
    records.remove("r-1")
    assert prepared(worktrees) == folder


def test_a_run_of_another_worktree_that_looks_in_keeps_nothing(worktrees: Worktrees, daemons: Daemons) -> None:
    folder = prepared(worktrees)
    pid = daemons.start(folder, **{RUN_MARKER: "r-1"})
    recorded(worktrees, pid, folder.with_name("2-y"))
    assert prepared(worktrees) == folder


def test_another_process_that_got_a_survivors_pid_keeps_nothing(worktrees: Worktrees, daemons: Daemons) -> None:
    folder = prepared(worktrees)
    survivors = Survivors(folder.parents[1] / "survivors")
    found = Survivor.of(psutil.Process(daemons.start(Path("/"))), folder=folder, is_ours=True)
    survivors.note(msgspec.structs.replace(found, start_time=found.start_time - 60))
    assert survivors.living() == []
    assert prepared(worktrees) == folder
