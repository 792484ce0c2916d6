"""The backlog: tasks for whoever has time, taken by idle agents or given to one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from tinytown.domain.agent import Agent
from tinytown.domain.errors import InvalidInputError, NotAllowedError
from tinytown.domain.ids import new_id
from tinytown.domain.task import Task, TaskKind, TaskSpec
from tinytown.services.caller import Caller
from tinytown.services.tasks import named_task, title_of
from tinytown.store.agents import AgentStore
from tinytown.store.backlog import BacklogStore
from tinytown.store.inbox import Inbox
from tinytown.store.tasks import TaskStore

TaskList: TypeAlias = list[Task]
"""Said so, as a method is called list."""

MOST_LISTED = 1000
MOST_TAGS = 20
TAG_CHARS = 80


class Backlog:
    """The backlog of one town, as one caller sees it.

    Args:
        backlog: where it is.
        tasks: its tasks, and those that left it.
        agents: who takes them.
        inbox: what started the caller's run.
        caller: who calls.
        may_direct: whether the town lets its agents decide what is for people.
        clock: the time.
        redact: masks secrets; what is said here goes into events and agents' prompts.
    """

    def __init__(
        self,
        backlog: BacklogStore,
        tasks: TaskStore,
        agents: AgentStore,
        inbox: Inbox,
        *,
        caller: Caller,
        may_direct: bool,
        clock: Callable[[], datetime],
        redact: Callable[[str], str],
    ) -> None:
        self._backlog = backlog
        self._tasks = tasks
        self._agents = agents
        self._inbox = inbox
        self._caller = caller
        self._may_direct = may_direct
        self._clock = clock
        self._redact = redact

    def add(self, text: str, tags: Sequence[str] = ()) -> Task:
        """Keep a task for whoever has time; an agent that adds one is told what came of it.

        Args:
            text: what is to be done; its first line is the title.
            tags: `role:NAME`, or just a role or an agent's name, says who is to do it; others are only shown.

        Raises:
            InvalidInputError: no text, or a tag that cannot be.
            NotAllowedError: too many agents in a row passed work on.
        """
        if not text.strip():
            raise InvalidInputError("the task is empty; say what is to be done")
        text = self._redact(text)
        now = self._clock()
        spec = TaskSpec(
            id=new_id(),
            kind=TaskKind.WORK,
            title=title_of(text),
            instructions=text,
            created_at=now,
            tags=_checked(self._redact(tag) for tag in tags),
            parent=self._caller.name(self._agents),
        )
        hops = self._caller.hops(self._agents, self._inbox, starts_a_run=True)
        self._backlog.add(spec, now, hops=hops)
        return self._tasks.get(spec.id)

    def list(self, limit: int = 50, after: str | None = None) -> TaskList:
        """At most `limit` tasks, the oldest first, behind the task with the id `after`.

        Raises:
            InvalidInputError: the limit. NotFoundError: `after` never was in the backlog, or is forgotten.
        """
        if not 1 <= limit <= MOST_LISTED:
            raise InvalidInputError(f"the limit is {limit}; use 1 to {MOST_LISTED}")
        return self._backlog.page(limit, None if after is None else self._id(after))

    def count(self) -> int:
        """How many tasks wait."""
        return self._backlog.count()

    def claim(self, task_id: str, agent: str | None = None) -> tuple[Task, Agent]:
        """Hand a task to an agent, which begins it when it is idle.

        Args:
            task_id: its id or a prefix of it.
            agent: name or id; by default the agent that calls, which can only claim for itself.

        Raises:
            NotFoundError: no such task or agent. ConflictError: it is not in the backlog any more; says who has it.
            IllegalTransitionError: the agent is leaving. NotAllowedError: an agent calls, for another.
            InvalidInputError: a person calls and names no agent.
        """
        agent_id = self._claimant(agent)
        found = self._id(task_id)
        self._backlog.claim(found, agent_id, self._clock(), is_own=agent_id == self._caller.agent_id)
        return self._tasks.get(found), self._agents.get(agent_id)

    def assign_all(self, agent: str) -> tuple[Agent, TaskList]:
        """Hand the whole backlog to an agent; the tasks are those it got, the oldest first.

        Raises:
            NotFoundError: no such agent. IllegalTransitionError: it is leaving. NotAllowedError: an agent calls.
        """
        self._caller.check_directing("hand out the whole backlog", may_direct=self._may_direct)
        agent_id = self._agents.find_id(agent)
        ids = self._backlog.assign_all(agent_id, self._clock())
        return self._agents.get(agent_id), self._tasks.many(ids)

    def remove(self, task_id: str) -> Task:
        """Cancel a task that nobody has yet; an agent may do so with what it added itself.

        Raises:
            NotFoundError. ConflictError: it is not in the backlog any more; says who has it.
            NotAllowedError: an agent calls, and the task is another's.
        """
        found = self._id(task_id)
        caller = None if self._may_direct else self._caller.agent(self._agents)
        self._backlog.remove(found, self._clock(), owner=caller.name if caller else None)
        return self._tasks.get(found)

    def _claimant(self, wish: str | None) -> str:
        caller = self._caller.agent(self._agents)
        if wish is None and caller is None:
            raise InvalidInputError("say which agent is to have the task")
        agent_id = self._agents.find_id(wish) if wish is not None else None
        if caller is not None and agent_id not in {None, caller.id} and not self._may_direct:
            raise NotAllowedError("an agent claims tasks for itself only; to give somebody work: tt assign AGENT TEXT")
        return agent_id or (caller.id if caller else "")

    def _id(self, task_id: str) -> str:
        """The whole id of a task that is still stored. NotFoundError, AmbiguousError."""
        return named_task(self._tasks, task_id).id


def _checked(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept, each once. InvalidInputError."""
    found = tuple(dict.fromkeys(tag.strip() for tag in tags))
    if len(found) > MOST_TAGS:
        raise InvalidInputError(f"there are {len(found)} tags; use at most {MOST_TAGS}")
    for tag in found:
        if not tag or not tag.isprintable() or len(tag) > TAG_CHARS:
            raise InvalidInputError(f"a tag is one line of 1 to {TAG_CHARS} characters; choose another")
    return found
