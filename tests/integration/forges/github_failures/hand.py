"""An agent that mends whatever it is asked to, when the test lets it."""

from __future__ import annotations

from datetime import datetime

from tests.repositories import branch_with

from tinytown.domain.agent import AgentSpec
from tinytown.domain.ids import derive_id, new_id
from tinytown.domain.task import Report, Task
from tinytown.repository.git import Git
from tinytown.runtime.clis.base import Reading
from tinytown.runtime.outcome import Ended, Evidence, judge
from tinytown.runtime.process import Ending, RunResult
from tinytown.store.agents import AgentStore
from tinytown.store.connection import Connection
from tinytown.store.hosts import Claim, HostStore
from tinytown.store.keys import Keys
from tinytown.store.tasks import TaskStore

_MACHINE = "here"


class Hand:
    """The agent `worker` with its host."""

    def __init__(self, connection: Connection, keys: Keys, git: Git, now: datetime) -> None:
        self.tasks: dict[str, Task] = {}
        """All that it was ever given, by id."""
        self._git = git
        self._store, self._hosts = TaskStore(connection, keys), HostStore(connection, keys)
        self._id = derive_id(new_id(), "worker")
        spec = AgentSpec(id=self._id, name="worker", cli="demo", role="worker", machine=_MACHINE, created_at=now)
        AgentStore(connection, keys).add(spec)
        self._lease, _ = self._hosts.open(new_id(), _MACHINE, {}, now)
        self._hosts.adopt(self._lease, _MACHINE, now)

    def told(self) -> list[str]:
        """The text of each task that it was given."""
        return [task.spec.instructions for task in self.tasks.values()]

    def work(self, now: datetime) -> None:
        """Do what is in the inbox, if anything is."""
        run_id = new_id()
        found = self._hosts.claim(self._lease, self._id, run_id, now)
        if not isinstance(found, Claim) or found.task is None:
            return
        task = found.task
        assert task.id not in self.tasks, "a task is done once"
        self.tasks[task.id] = task
        branch = task.spec.branch or ""
        before = self._git.find_branch(branch)
        head = branch_with(self._git, branch, {f"mended-{len(self.tasks)}.txt": "mended\n"})
        self._store.report(task.id, Report.COMPLETED, now, result="mended", run_id=run_id)
        ended = Ended(
            agent_id=self._id,
            run_id=run_id,
            task=self._store.get(task.id),
            result=RunResult(ending=Ending.EXITED, exit_code=0, started=0, ended=1),
            reading=Reading(),
            evidence=Evidence(head=head, head_before=before, branch=branch, made=1),
        )
        self._hosts.finish(self._lease, judge(ended, max_nudges=2, now=now), now)
