"""Tasks: giving them to agents, and what is reported of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime

from tinytown.domain.agent import Agent
from tinytown.domain.errors import ConflictError, InvalidInputError, NotFoundError
from tinytown.domain.ids import by_prefix, new_id
from tinytown.domain.task import Report, Task, TaskKind, TaskSpec, TaskState
from tinytown.services.caller import Caller
from tinytown.store.agents import AgentStore
from tinytown.store.codec import to_ms
from tinytown.store.inbox import Inbox
from tinytown.store.tasks import TaskStore

TITLE_CHARS = 80


class Tasks:
    """The tasks of one town, as one caller sees them.

    Args:
        tasks: where they are.
        agents: who has them.
        inbox: what brings them.
        caller: who calls.
        clock: the time.
        redact: masks secrets; what is said here goes into events and other agents' prompts.
    """

    def __init__(
        self,
        tasks: TaskStore,
        agents: AgentStore,
        inbox: Inbox,
        caller: Caller,
        clock: Callable[[], datetime],
        redact: Callable[[str], str],
    ) -> None:
        self._tasks = tasks
        self._agents = agents
        self._inbox = inbox
        self._caller = caller
        self._clock = clock
        self._redact = redact

    def assign(self, agent: str, text: str, *, is_urgent: bool = False) -> Task:
        """Give an agent a task in a person's own words.

        Raises:
            NotFoundError: no such agent. IllegalTransitionError: it is stopped. InvalidInputError: no text.
            NotAllowedError: too many agents in a row passed it on.
        """
        if not text.strip():
            raise InvalidInputError("the task is empty; say what is to be done")
        text = self._redact(text)
        agent_id = self._agents.find_id(agent)
        now = self._clock()
        spec = TaskSpec(
            id=new_id(),
            kind=TaskKind.WORK,
            title=title_of(text),
            instructions=text,
            created_at=now,
            parent=self._caller.name(self._agents),
        )
        hops = self._caller.hops(self._agents, self._inbox, starts_a_run=True)
        self._tasks.assign(spec, agent_id, now, is_urgent=is_urgent, hops=hops)
        return self._tasks.get(spec.id)

    def complete(self, task_id: str | None, result: str) -> tuple[Task, str]:
        """Report a task as done. A review needs a verdict instead.

        Returns:
            The task, and `recorded` or its final state.

        Raises:
            ConflictError: it is a review. NotAllowedError: an agent calls, and the task is another's.
        """
        task = self.find(task_id)
        if task.spec.kind is TaskKind.REVIEW:
            raise ConflictError("a review ends with a verdict: tt task approve, or tt task reject --reason TEXT")
        return task, self._report(task, Report.COMPLETED, result=result)

    def fail(self, task_id: str | None, reason: str) -> tuple[Task, str]:
        """Report that a task cannot be done."""
        task = self.find(task_id)
        return task, self._report(task, Report.FAILED, reason=_needed(reason))

    def approve(self, task_id: str | None, comment: str) -> tuple[Task, str]:
        """Approve what a review task is about."""
        task = self._review(task_id)
        return task, self._report(task, Report.APPROVED, result=comment)

    def reject(self, task_id: str | None, reason: str) -> tuple[Task, str]:
        """Reject what a review task is about."""
        task = self._review(task_id)
        return task, self._report(task, Report.REJECTED, reason=_needed(reason))

    def find(self, task_id: str | None) -> Task:
        """A task by its id or a prefix of it; without one, the caller's own.

        Raises:
            NotFoundError, AmbiguousError. InvalidInputError: no id, and the caller is no agent's run.
        """
        wanted = task_id or self._caller.task_id
        if wanted is None:
            raise InvalidInputError("say which task: give its id (see: tt task list)")
        return named_task(self._tasks, wanted)

    def recent(
        self, *, agent: str | None = None, state: TaskState | None = None, limit: int
    ) -> list[tuple[Task, Agent | None]]:
        """Tasks that are still stored with the agents that have or had them, the last to be given or ended first.

        Args:
            agent: only this agent's. NotFoundError: there is none.
            state: only those in this state.
            limit: at most so many.
        """
        by_id = {a.id: a for a in self._agents.all()}
        agent_id = None if agent is None else self._agents.find_id(agent)
        fitting = (
            (task, by_id.get(task.agent_id or ""))
            for task in self._tasks.newest()
            if (agent_id is None or task.agent_id == agent_id) and (state is None or task.state is state)
        )
        return list(itertools.islice(fitting, limit))

    def history(
        self, *, agent: str | None = None, limit: int, before: tuple[int, str] | None = None
    ) -> list[tuple[Task, Agent | None]]:
        """Tasks that have ended with the agents that had them last, the last to end first; they are kept for a month.

        Args:
            agent: only this agent's; one that was pruned is known by what it did. NotFoundError: there is none.
            limit: at most so many.
            before: only those before this place, which is the `ended_place` of the last that is known.
        """
        by_id = {a.id: a for a in self._agents.all()}
        agent_id = None if agent is None else self._had_by(agent)
        fitting = (
            (task, by_id.get(task.agent_id or ""))
            for task in self._tasks.newest()
            if not task.is_open
            and (agent_id is None or task.agent_id == agent_id)
            and (before is None or ended_place(task) < before)
        )
        return list(itertools.islice(fitting, limit))

    def _had_by(self, agent: str) -> str:
        """The id of an agent, also of one that was pruned: of those, the last of that name to have had a task."""
        try:
            return self._agents.find_id(agent)
        except NotFoundError:
            wanted, others = agent.strip().lower(), set()
            for task in self._tasks.newest():
                if task.agent_id is not None and (task.agent_name or "").lower() == wanted:
                    return task.agent_id
                others.add(task.agent_id or "")
            if wanted and any(one.startswith(wanted) for one in others):
                return by_prefix(wanted, others, "agent")
            raise

    def open(self, agent: str | None = None) -> list[tuple[Task, Agent]]:
        """Open tasks with the agents that have them, oldest first; in as many round trips for any number."""
        agents = self._agents.all()
        if agent is not None:
            agent_id = self._agents.find_id(agent)
            agents = [a for a in agents if a.id == agent_id]
        by_id = {a.id: a for a in agents}
        ids = self._tasks.open_ids([a.id for a in agents if a.open_tasks])
        found = [(task, by_id[task.agent_id]) for task in self._tasks.many(ids) if task.agent_id in by_id]
        return sorted(found, key=lambda pair: pair[0].spec.created_at)

    def _review(self, task_id: str | None) -> Task:
        task = self.find(task_id)
        if task.spec.kind is not TaskKind.REVIEW:
            raise ConflictError(
                f"task {task.id[:8]} is no review; report it with tt task complete or fail, or approve the item with"
                " tt mission approve ITEM"
            )
        return task

    def _report(self, task: Task, report: Report, *, result: str = "", reason: str = "") -> str:
        caller = self._caller.agent(self._agents)
        return self._tasks.report(
            task.id,
            report,
            self._clock(),
            result=self._redact(result),
            reason=self._redact(reason),
            agent_id=None if caller is None else caller.id,
            run_id=self._caller.run_id if self._caller.task_id == task.id else None,
        )


def ended_place(task: Task) -> tuple[int, str]:
    """Where a task that has ended is in the history: its end (ms), then its id."""
    return to_ms(task.finished_at or task.updated_at), task.id


def named_task(tasks: TaskStore, name: str) -> Task:
    """A task that is still stored, by its id or a prefix of it.

    Raises:
        NotFoundError, AmbiguousError.
    """
    try:
        return tasks.get(name)
    except NotFoundError:
        pass
    try:
        return tasks.get(tasks.find_id(name))
    except NotFoundError as error:
        raise NotFoundError(f"{error.message}; see: tt task list --all") from error


def _needed(reason: str) -> str:
    if not reason.strip():
        raise InvalidInputError("give a reason: --reason TEXT; whoever goes on is told nothing else")
    return reason


def title_of(text: str) -> str:
    """What a task in a person's own words is called: by its first line."""
    first = text.strip().splitlines()[0].strip()
    return first if len(first) <= TITLE_CHARS else f"{first[: TITLE_CHARS - 1]}…"
