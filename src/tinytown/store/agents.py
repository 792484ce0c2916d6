"""Agents in the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from tinytown.domain.agent import AGENT_LIFECYCLE, Agent, AgentSpec, AgentState
from tinytown.domain.errors import NotFoundError
from tinytown.domain.ids import by_prefix
from tinytown.store.codec import at_text, encode, to_agent, to_ms
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

MAX_SPAWNED = 8
"""Living agents that agents of one family may have spawned."""

BACKLOG = "backlog"
"""Where what an agent had goes when nobody in particular is to have it."""


class HandedOver(msgspec.Struct, frozen=True):
    """What was taken from an agent, or could be."""

    tasks: int = 0
    messages: int = 0
    """Those that bring no task."""
    mission_tasks: int = 0
    """Cancelled, so that their missions give the work out anew."""
    under_way: int = 0
    """Messages of a run under way: they stay."""

    @property
    def total(self) -> int:
        """All but what stays."""
        return self.tasks + self.messages + self.mission_tasks

    @property
    def text(self) -> str:
        """In words."""
        tasks, messages = self.tasks + self.mission_tasks, self.messages
        parts = [f"{tasks} unfinished task{'s' * (tasks != 1)}"] if tasks else []
        parts += [f"{messages} message{'s' * (messages != 1)}"] if messages else []
        return " and ".join(parts) or "nothing"

    def __add__(self, other: HandedOver) -> HandedOver:
        return HandedOver(*map(sum, zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)))


class AgentStore:
    """The agents of one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def add(self, spec: AgentSpec, *, spawner: str | None = None) -> AgentSpec:
        """Register an agent; one of that name that stopped or is in error starts anew, with its id, inbox and tasks.

        Args:
            spec: what it is.
            spawner: name of the agent that spawns it, None for a person.

        Returns:
            The spec as it is kept.

        Raises:
            AlreadyExistsError: the name is taken, in whatever letter case. NotAllowedError: MAX_SPAWNED agents live
            that the spawner, its ancestors and its descendants spawned.
        """
        agent_id = self._run(
            "add_agent",
            id=spec.id,
            name=spec.name.lower(),
            spawner=spawner and spawner.lower(),
            most=MAX_SPAWNED,
            machine=spec.machine,
            spec=encode(spec),
            at=at_text(spec.created_at),
            ms=to_ms(spec.created_at),
        )
        return msgspec.structs.replace(spec, id=agent_id.decode())

    def move(self, agent_id: str, state: AgentState, at: datetime, fields: Mapping[str, str] | None = None) -> None:
        """Change an agent's state as the lifecycle allows; fields with an empty value are removed.

        Raises:
            NotFoundError, IllegalTransitionError.
        """
        self._run(
            "move_agent",
            id=agent_id,
            state=state.value,
            before=[old.value for old in AGENT_LIFECYCLE.before(state)],
            fields=dict(fields or {}),
            at=at_text(at),
            ms=to_ms(at),
        )

    def interrupt(self, agent_id: str, at: datetime, reason: str) -> AgentState:
        """Pause an agent and have its run stopped; its state then. NotFoundError, ConflictError."""
        return self._change("interrupt_agent", agent_id, at, reason=reason)

    def resume(
        self, agent_id: str, at: datetime, *, until: datetime | None = None
    ) -> tuple[AgentState, datetime | None]:
        """Let a paused agent go on.

        Args:
            agent_id: which one.
            at: now.
            until: the pause's end as it was read: only that very pause is ended.

        Returns:
            Its state, and when its pause would have ended by itself.

        Raises:
            NotFoundError. ConflictError: it is not paused, or not so.
        """
        args: dict[str, Any] = {"id": agent_id, "until_": at_text(until) if until else None}
        state, end = self._run("resume_agent", **args, at=at_text(at), ms=to_ms(at))
        return AgentState(state.decode()), datetime.fromisoformat(end.decode()) if end else None

    def close(self, agent_id: str, at: datetime, reason: str) -> AgentState:
        """Have an agent do what it has and stop then; its state now. NotFoundError, ConflictError."""
        return self._change("close_agent", agent_id, at, reason=reason)

    def kill(self, agent_id: str, at: datetime, reason: str, *, is_forced: bool) -> AgentState:
        """Stop an agent after its run, or at once; its state now. NotFoundError, ConflictError."""
        return self._change("kill_agent", agent_id, at, reason=reason, force=is_forced)

    def restart(self, agent_id: str, at: datetime, reason: str, *, is_forced: bool) -> AgentState:
        """Start an agent anew; its state now. NotFoundError, ConflictError."""
        return self._change("restart_agent", agent_id, at, reason=reason, force=is_forced)

    def reclaim(self, agent_id: str, to: str | None, at: datetime, *, may_live: bool) -> HandedOver:
        """Give what an agent has not begun to another, by id, or to the BACKLOG; None only counts.

        Raises:
            NotFoundError. IllegalTransitionError: it is there and may not be. ConflictError: the other takes no tasks.
        """
        found = self._run("reclaim", agent=agent_id, to=to, may_live=may_live, at=at_text(at), ms=to_ms(at))
        return HandedOver(*found)

    def prune(
        self, agent_id: str, states: Collection[AgentState], at: datetime, *, hands_over: bool
    ) -> tuple[bool, HandedOver]:
        """Take an agent that is in one of those states out of the roster.

        Returns:
            Whether it is gone, and what it has or had: without `hands_over` an agent with unfinished work is kept.

        Raises:
            NotFoundError. IllegalTransitionError: it is in another state, or in a run.
        """
        args: dict[str, Any] = {"id": agent_id, "states": [state.value for state in states], "hands_over": hands_over}
        is_gone, *found = self._run("prune_agent", **args, at=at_text(at), ms=to_ms(at))
        return is_gone == 1, HandedOver(*found)

    def all(self) -> list[Agent]:
        """Every agent, in order of name, in one round trip."""
        found = [
            to_agent(flat, open_tasks=load_, inbox_len=waiting, urgent_len=urgent)
            for flat, load_, waiting, urgent in self._run("read_agents", may_repeat=True)
            if flat
        ]
        return sorted(found, key=lambda agent: agent.name.lower())

    def get(self, agent_id: str) -> Agent:
        """One agent by its whole id."""
        flat = self._connection.execute("HGETALL", self._keys("agent", agent_id))
        if not flat:
            raise NotFoundError(f"no agent '{agent_id}'")
        return to_agent(flat)

    def find_id(self, name: str) -> str:
        """The id of an agent by name, in whatever letter case, or by an unambiguous prefix of its id."""
        found = self._connection.execute("HGET", self._keys("agents"), name.lower())
        if found is not None:
            return str(found.decode())
        known = self._connection.execute("HGETALL", self._keys("agents"))
        try:
            return by_prefix(name, [i.decode() for i in known[1::2]], "agent")
        except NotFoundError:
            names = ", ".join(sorted(n.decode() for n in known[::2])) or "none yet; start one: tt spawn NAME"
            raise NotFoundError(f"no agent '{name}'; there are: {names}") from None

    def task_ids(self, agent_id: str) -> list[str]:
        """Ids of the open tasks of an agent."""
        return [i.decode() for i in self._connection.execute("SMEMBERS", self._keys("agent", agent_id, "tasks"))]

    def saw_output(self, agent_ids: Mapping[str, datetime]) -> None:
        """Note when agents' CLIs last printed something, in one round trip."""
        self._connection.execute_many(
            [("HSET", self._keys("agent", i), "last_output_at", at_text(at)) for i, at in agent_ids.items()]
        )

    def _change(self, script: str, agent_id: str, at: datetime, **args: Any) -> AgentState:
        return AgentState(self._run(script, id=agent_id, at=at_text(at), ms=to_ms(at), **args).decode())

    def _run(self, script: str, /, *, may_repeat: bool = False, **args: Any) -> Any:
        return self._connection.run(load(script), self._keys.prefix, args, may_repeat=may_repeat)
