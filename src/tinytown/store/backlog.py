"""The backlog in the store: tasks that nobody has yet, the oldest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tinytown.domain.task import Task, TaskSpec
from tinytown.store.codec import at_text, encode, to_ms, to_task
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

PART = 500
"""Tasks that are handed out in one step."""


class BacklogStore:
    """The backlog of one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def add(self, spec: TaskSpec, at: datetime, *, hops: int = 0) -> None:
        """Keep a new task for whoever takes it.

        Args:
            spec: the task, outside any mission.
            at: now.
            hops: how many agents in a row passed work on until it came here.
        """
        self._run("add_backlog", id=spec.id, spec=encode(spec), hops=hops, at=at_text(at), ms=to_ms(at))

    def claim(self, task_id: str, agent_id: str, at: datetime, *, is_own: bool = False) -> None:
        """Hand a task to an agent; of many that ask at once, one gets it.

        Args:
            task_id: whole id.
            agent_id: who is to have it.
            at: now.
            is_own: whether the agent itself asks; then it goes back should the agent stop.

        Raises:
            NotFoundError: no such task or agent. ConflictError: it is not in the backlog any more, with who has it.
            IllegalTransitionError: the agent is leaving.
        """
        self._run("claim_backlog", id=task_id, agent=agent_id, is_own=is_own, at=at_text(at), ms=to_ms(at))

    def assign_all(self, agent_id: str, at: datetime) -> list[str]:
        """Hand everything that waits to an agent, a part at a time, so that nobody waits long for the server.

        Returns:
            The tasks' ids, the oldest first.

        Raises:
            NotFoundError: no such agent. IllegalTransitionError: it is leaving.
        """
        given: list[str] = []
        for _ in range(0, max(self.count(), 1), PART):
            part = self._run("assign_backlog", agent=agent_id, limit=PART, at=at_text(at), ms=to_ms(at))
            given += [i.decode() for i in part]
        return given

    def remove(self, task_id: str, at: datetime, *, owner: str | None = None) -> None:
        """Cancel a task.

        Args:
            task_id: whole id.
            at: now.
            owner: name of the agent that calls, when it may only remove what it added itself.

        Raises:
            NotFoundError. ConflictError: it is not in the backlog any more. NotAllowedError: it is not the owner's.
        """
        self._run("remove_backlog", id=task_id, owner=owner, at=at_text(at), ms=to_ms(at))

    def page(self, limit: int, after: str | None = None) -> list[Task]:
        """At most `limit` tasks, the oldest first, behind the task `after`, also when that was taken meanwhile.

        Raises:
            NotFoundError: `after` never was in the backlog, or is forgotten.
        """
        found = self._run("read_backlog", limit=limit, after=after, may_repeat=True)
        return [to_task(flat) for flat in found]

    def count(self) -> int:
        """How many tasks wait."""
        return int(self._connection.execute("ZCARD", self._keys("backlog")))

    def _run(self, script: str, /, *, may_repeat: bool = False, **args: Any) -> Any:
        return self._connection.run(load(script), self._keys.prefix, args, may_repeat=may_repeat)
