"""Real child programs, written as Python text, and a supervised run of one."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.integration.runtime.hosted_town import SETTINGS, HostedTown, broken_program
from tests.repositories import commit, isolate, make_repository
from tests.waiting import wait_until

from tinytown.repository.git import Git
from tinytown.runtime.ladder import Ladder
from tinytown.runtime.orphans import ChildIdentity
from tinytown.runtime.process import Launch, Limits, RunResult, supervise
from tinytown.services.towns import init_town
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

QUICK = Ladder(int_secs=0.5, term_secs=0.5, kill_secs=10)
"""For children that ignore signals."""

PATIENT = Ladder(int_secs=30, term_secs=30, kill_secs=30)
"""For children that must obey the first signal, however busy the machine is."""


def is_gone(pid: int) -> bool:
    """Whether that process runs no more; its entry may not have been collected yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Bench:
    """Runs child programs under supervision; nothing that carries its run's mark may be left at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run_id = uuid.uuid4().hex
        self.log = folder / "logs" / "agent.log"
        self.lines: list[bytes] = []
        self.started: list[ChildIdentity] = []

    def launch(self, program: str, **changes: Any) -> Launch:
        settings: dict[str, Any] = {
            "argv": (sys.executable, "-c", textwrap.dedent(program)),
            "cwd": self.folder,
            "env": {**os.environ, "TINYTOWN_RUN_ID": self.run_id},
            "log_path": self.log,
        }
        return Launch(**{**settings, **changes})

    def run(
        self, program: str, *, limits: Limits | None = None, stop_at: bytes | None = None, **changes: Any
    ) -> RunResult:
        """Run the program; with `stop_at` it is told to stop when it prints that line."""
        return asyncio.run(self.supervised(self.launch(program, **changes), limits=limits, stop_at=stop_at))

    async def supervised(
        self,
        launch: Launch,
        *,
        limits: Limits | None = None,
        stop_at: bytes | None = None,
        on_line: Callable[[bytes], None] = lambda _: None,
    ) -> RunResult:
        stop = asyncio.Event()

        def take(line: bytes) -> None:
            self.lines.append(line)
            on_line(line)
            if line == stop_at:
                stop.set()

        limits = limits or Limits(run_timeout_secs=60, ladder=PATIENT)
        return await supervise(launch, limits=limits, on_line=take, on_start=self.started.append, stop=stop)

    def pid_of(self, name: bytes) -> int:
        """The pid in a line `<name> <pid>`."""
        return int(next(line for line in self.lines if line.startswith(name + b" ")).split()[1])

    def check_nothing_is_left(self) -> None:
        for process in psutil.process_iter():
            try:
                assert process.environ().get("TINYTOWN_RUN_ID") != self.run_id or is_gone(process.pid)
            except psutil.Error:
                continue


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.check_nothing_is_left()


@pytest.fixture
def to_be_killed() -> Iterator[list[int]]:
    """Pids of processes that are meant to survive what is tested."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        try:
            psutil.Process(pid).kill()
        except psutil.NoSuchProcess:
            continue
        wait_until(lambda pid=pid: is_gone(pid), f"{pid} is gone")  # type: ignore[misc]  # a lambda with a default


@pytest.fixture
def hosted(
    tmp_path: Path, redis_url: str, connection: Connection, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HostedTown]:
    """A town without a host yet."""
    isolate(monkeypatch)
    git: Git = make_repository(tmp_path / "repo")
    init_town(git.folder, keys.prefix.removeprefix("tt:"))
    with (git.folder / "tinytown.toml").open("a") as settings:
        settings.write(f'{SETTINGS}[agent_clis.broken]\ncommand = ["{broken_program(tmp_path)}"]\n')
    commit(git, {})
    made = HostedTown(git.folder, redis_url)
    yield made
    made.stop()
    assert connection.execute("SMEMBERS", keys("hosts")) == []
    for opened in made.town.opened:
        opened.close()
