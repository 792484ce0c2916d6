"""A town whose host is a thread of the test."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from tests.integration.store.stores import make_spec
from tests.waiting import wait_until

from tinytown.bootstrap import Town
from tinytown.bootstrap_host import host_of
from tinytown.config import load_settings
from tinytown.domain.agent import Agent, AgentState
from tinytown.domain.event import Event
from tinytown.domain.task import Task
from tinytown.runtime.host import Host
from tinytown.store.connection import Connection

COMMIT = "git commit --quiet --allow-empty -m Work"
SETTINGS = f"""
[agent_clis.ready]
command = ["sh", "-c", "{COMMIT}; echo all done"]
[agent_clis.remembering]
command = ["sh", "-c", "{COMMIT}; echo '{{\\"session_id\\": \\"s1\\", \\"result\\": \\"done\\"}}'"]
output = "jsonl"
[agent_clis.waiting]
command = ["sh", "-c", "echo begun; until [ -e ../go ]; do sleep 0.02; done; {COMMIT}; echo all done"]
"""


class ClosingTown(Town):
    """A town whose connections can be closed: the host's own end with its process, which is the test's here."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        super().__init__(load_settings(root, environ=environ), environ)
        self.opened: list[Connection] = []

    def connect(self, answer_secs: float | None = None) -> Connection:
        self.opened.append(super().connect(answer_secs))
        return self.opened[-1]


class HostedTown:
    """A town whose host is a thread."""

    def __init__(self, root: Path, redis_url: str) -> None:
        self._environ = {**os.environ, "REDIS_URL": redis_url}
        self.town = ClosingTown(root, self._environ)
        self.host: Host | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def set_up(self, settings: str) -> None:
        """Have these settings beside the agents' CLIs; before the town is used."""
        assert self.town.opened == []
        file = self.town.root / "tinytown.toml"
        clis = file.read_text().partition("[agent_clis.ready]")
        name = self.town.settings.town.name
        file.write_text(f'[town]\nname = "{name}"\n{settings}{"".join(clis[1:])}')
        self.town = ClosingTown(self.town.root, self._environ)

    def reopened(self) -> Town:
        """The town as another process finds it now."""
        opened = self.town.opened
        self.town = ClosingTown(self.town.root, self._environ)
        self.town.opened = opened
        return self.town

    def start(self, **changes: Any) -> None:
        """Have a host from now on; keyword arguments change its tools."""
        tools = host_of(self.town)._tools
        self.host = host = Host(msgspec.structs.replace(tools, **changes))
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: loop.run_until_complete(host.serve()))
        self._thread.start()

    def stop(self) -> None:
        """End the host in order, unless it died."""
        if self._thread is None or self._loop is None or self.host is None:
            return
        self._loop.call_soon_threadsafe(self.host.stop)
        self._thread.join(30)
        self._loop.close()
        self._thread = None
        wait_until(lambda: not any(map(_is_hosts, threading.enumerate())), "nobody opens a connection any more")

    def tell(self, agent_id: str, event: Event) -> None:
        """Bring an event to the agent's runner, as if it had come just now."""
        assert self.host is not None
        assert self._loop is not None
        wait_until(lambda: agent_id in self.host._runners, "the agent has a runner")  # type: ignore[union-attr]
        runner = self.host._runners[agent_id]
        asyncio.run_coroutine_threadsafe(_call(lambda: runner.notice(event)), self._loop).result(10)

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def agent(self, name: str) -> Agent:
        return self.town.agents.find(name)

    def spawn(self, name: str, cli: str = "ready") -> str:
        return self.town.agents.register(name, cli=cli).id

    def assign(self, agent_id: str, **fields: Any) -> str:
        spec = make_spec(created_at=self.town.clock(), **fields)
        self.town.task_store.assign(spec, agent_id, spec.created_at)
        return spec.id

    def task(self, task_id: str) -> Task:
        return self.town.task_store.get(task_id)

    def wait_for_state(self, name: str, state: AgentState) -> None:
        wait_until(lambda: self.agent(name).state is state, f"{name} is {state.value}")


def _is_hosts(thread: threading.Thread) -> bool:
    return "_pump" in thread.name or thread.name.startswith(("store_", "work_", "check_"))


async def _call(act: Callable[[], None]) -> None:
    act()


def broken_program(folder: Path) -> Path:
    program = folder / "broken"
    program.write_text("#!/nowhere/interpreter\n")
    program.chmod(0o755)
    return program
