"""Tasks in the store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tinytown.domain.errors import NotFoundError
from tinytown.domain.ids import by_prefix
from tinytown.domain.task import Report, Task, TaskSpec, TaskState
from tinytown.store.codec import at_text, encode, to_ms, to_task
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.missions import task_message
from tinytown.store.scripts import load

AMBIGUOUS_SHOWN = 4
"""Ids that are read to tell what a prefix may mean."""

_FINAL = {
    Report.COMPLETED: TaskState.COMPLETED,
    Report.APPROVED: TaskState.COMPLETED,
    Report.REJECTED: TaskState.COMPLETED,
    Report.FAILED: TaskState.FAILED,
}


def final_state(report: Report) -> TaskState:
    """The state a report leads to: a review that rejects is a completed review."""
    return _FINAL[report]


class TaskStore:
    """The tasks of one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def assign(self, spec: TaskSpec, agent_id: str, at: datetime, *, is_urgent: bool = False, hops: int = 0) -> None:
        """Hand a task outside any mission to an agent. NotFoundError, IllegalTransitionError (it is stopped)."""
        brought = task_message(spec, agent_id, at, spec.parent or "supervisor")
        message = msgspec.structs.replace(brought, hops=hops, is_urgent=is_urgent)
        self._run(
            "assign_task",
            id=spec.id,
            spec=encode(spec),
            agent=agent_id,
            message=encode(message),
            urgent=is_urgent,
            at=at_text(at),
            ms=to_ms(at),
        )

    def report(
        self,
        task_id: str,
        report: Report,
        at: datetime,
        *,
        result: str = "",
        reason: str = "",
        agent_id: str | None = None,
        run_id: str | None,
    ) -> str:
        """Record what is said of a task.

        Args:
            task_id: whole id.
            report: what is said.
            at: now.
            result: what was done, or the reviewer's comment.
            reason: why it failed or was rejected.
            agent_id: the agent that says it, None for a person; another agent's task is refused.
            run_id: the run the caller belongs to, if any; another run's task is refused.

        Returns:
            `recorded` while a run has the task (the run's end makes it final), else the task's final state.

        Raises:
            NotFoundError, IllegalTransitionError (it has ended), ConflictError (another run has it),
            NotAllowedError (another agent has it).
        """
        reply = self._run(
            "report_task",
            id=task_id,
            report=report.value,
            state=final_state(report).value,
            result=result,
            reason=reason,
            agent=agent_id,
            run=run_id,
            at=at_text(at),
            ms=to_ms(at),
            may_repeat=run_id is not None,  # the run has the task until it ends, so saying it twice is saying it once
        )
        return str(reply.decode())

    def get(self, task_id: str) -> Task:
        """One task by its whole id."""
        flat = self._connection.execute("HGETALL", self._keys("task", task_id))
        if not flat:
            raise NotFoundError(f"no task '{task_id}'")
        return to_task(flat)

    def find_id(self, prefix: str) -> str:
        """The id of the one task that begins with `prefix`, also of one that has ended and is still stored.

        Raises:
            NotFoundError, AmbiguousError.
        """
        wanted = prefix.strip().lower()
        if not wanted or not wanted.isascii():
            raise NotFoundError(f"no task '{prefix}'")
        bounds = (f"[{wanted}", f"({wanted}~")
        found = self._connection.execute(
            "ZRANGE", self._keys("tasks", "ids"), *bounds, "BYLEX", "LIMIT", 0, AMBIGUOUS_SHOWN
        )
        return by_prefix(wanted, (i.decode() for i in found), "task")

    def newest(self, *, page: int = 200) -> Iterator[Task]:
        """Every task that is still stored, the last to be given or ended first; read page by page."""
        for start in itertools.count(0, page):
            ids = self._connection.execute("ZRANGE", self._keys("tasks"), start, start + page - 1, "REV")
            yield from self.many([i.decode() for i in ids])
            if len(ids) < page:
                return

    def open_ids(self, agent_ids: Sequence[str]) -> list[str]:
        """Ids of the open tasks of agents, in one round trip."""
        sets = self._connection.execute_many([("SMEMBERS", self._keys("agent", i, "tasks")) for i in agent_ids])
        return [task_id.decode() for ids in sets for task_id in ids]

    def many(self, task_ids: Sequence[str]) -> list[Task]:
        """Tasks by their ids in one round trip, without those that are gone."""
        replies = self._connection.execute_many([("HGETALL", self._keys("task", i)) for i in task_ids])
        return [to_task(flat) for flat in replies if flat]

    def _run(self, script: str, /, *, may_repeat: bool = False, **args: Any) -> Any:
        return self._connection.run(load(script), self._keys.prefix, args, may_repeat=may_repeat)
