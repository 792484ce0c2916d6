"""What a supervising process leaves behind when it is killed, found and stopped by the next one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from tests.integration.runtime.conftest import is_gone
from tests.waiting import wait_until

from tinytown.runtime.ladder import Ladder, stop_all
from tinytown.runtime.orphans import ChildIdentity, find_orphans, stop_orphans

QUICK = Ladder(int_secs=0.3, term_secs=0.3, kill_secs=10)

HOST = """
    import asyncio, os, sys
    from pathlib import Path
    import msgspec
    from tinytown.runtime.process import Launch, Limits, supervise

    folder = Path(sys.argv[1])

    def record(identity):
        (folder / "identity.new").write_bytes(msgspec.json.encode(identity))
        (folder / "identity.new").rename(folder / "identity")

    launch = Launch(
        argv=(sys.executable, str(folder / "cli.py")), cwd=folder, log_path=folder / "log",
        env={**os.environ, "TINYTOWN_RUN_ID": sys.argv[2]},
    )
    asyncio.run(supervise(launch, limits=Limits(), on_start=record))
"""

CLI = """
    import os, signal, subprocess, sys, time
    host = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    same = subprocess.Popen(sleep)
    moved = subprocess.Popen(sleep, start_new_session=True)
    bare = subprocess.Popen(sleep, env={})
    with open("pids.new", "w") as pids:
        pids.write(f"{os.getpid()} {same.pid} {moved.pid} {bare.pid}")
    os.rename("pids.new", "pids")
    LAST
"""


class Dead:
    """What is left of a host that was killed with -9 while its agent's CLI ran."""

    def __init__(self, folder: Path, *, last: str) -> None:
        self.run_id = uuid.uuid4().hex
        (folder / "cli.py").write_text(textwrap.dedent(CLI).replace("LAST", last))
        host = subprocess.Popen([sys.executable, "-c", textwrap.dedent(HOST), str(folder), self.run_id])
        try:
            wait_until((folder / "identity").exists, "the child is on record", 30)
            wait_until((folder / "pids").exists, "the child has children", 30)
        finally:
            host.kill()
            host.wait()
        self.identity = msgspec.json.decode((folder / "identity").read_bytes(), type=ChildIdentity)
        self.pids = [int(pid) for pid in (folder / "pids").read_text().split()]
        self.cli, self.same, self.moved, self.bare = self.pids

    def clean_up(self) -> None:
        for pid in self.pids:
            if not is_gone(pid):
                psutil.Process(pid).kill()
        wait_until(lambda: all(map(is_gone, self.pids)), "nothing is left")


@pytest.fixture
def dead(tmp_path: Path) -> Iterator[Dead]:
    made = Dead(tmp_path, last="time.sleep(600)")
    yield made
    made.clean_up()


@pytest.fixture
def headless(tmp_path: Path) -> Iterator[Dead]:
    """The CLI itself has ended too; its children go on."""
    made = Dead(tmp_path, last="while os.getppid() == host: time.sleep(0.01)")
    yield made
    made.clean_up()


def pids(processes: list[psutil.Process]) -> set[int]:
    return {process.pid for process in processes}


def test_everything_of_the_run_is_found_by_identity_session_and_mark(dead: Dead) -> None:
    assert pids(find_orphans([dead.identity])) == {dead.cli, dead.same, dead.moved, dead.bare}


def test_the_mark_alone_finds_all_that_carry_it(dead: Dead) -> None:
    assert pids(find_orphans([], [dead.run_id])) == {dead.cli, dead.same, dead.moved}


def test_a_session_whose_leader_is_gone_is_known_by_its_marked_members(headless: Dead) -> None:
    wait_until(lambda: is_gone(headless.cli), "the CLI has ended")

    assert pids(find_orphans([headless.identity])) == {headless.same, headless.moved, headless.bare}


def test_orphans_are_stopped_and_nothing_else(dead: Dead) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        survivors = stop_orphans([dead.identity], [dead.run_id], QUICK)

        assert survivors == []
        assert all(map(is_gone, dead.pids))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_stopping_again_finds_nothing(dead: Dead) -> None:
    stop_orphans([dead.identity], [], QUICK)

    assert find_orphans([dead.identity], [dead.run_id]) == []
    assert stop_orphans([dead.identity], [dead.run_id], QUICK) == []


def test_another_process_that_got_the_pid_and_the_session_number_is_left_alone() -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", "import os, time; print('up', flush=True); time.sleep(600)"],
        start_new_session=True,
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None
    other.stdout.readline()
    try:
        started = psutil.Process(other.pid).create_time()
        identity = ChildIdentity(pid=other.pid, start_time=started, session_id=other.pid, run_id="gone")
        before = msgspec.structs.replace(identity, start_time=started - 60)

        assert find_orphans([before]) == []
        assert pids(find_orphans([identity])) == {other.pid}
    finally:
        other.stdout.close()
        other.kill()
        other.wait()


def test_neither_we_nor_our_ancestors_are_ever_found_or_stopped() -> None:
    me = psutil.Process()
    ancestors = [me, *me.parents()]
    identities = [
        ChildIdentity(pid=p.pid, start_time=p.create_time(), session_id=os.getsid(p.pid), run_id="") for p in ancestors
    ]

    assert not pids(find_orphans(identities[:1])) & pids(ancestors)
    assert stop_all(ancestors, QUICK) == []
    assert me.is_running()
