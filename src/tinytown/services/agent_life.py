"""What becomes of agents: pausing them, stopping them, starting them anew, taking them out of the roster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from tinytown.domain.agent import GONE, Agent, AgentState
from tinytown.domain.errors import IllegalTransitionError, NotAllowedError, NotFoundError
from tinytown.services.caller import Caller
from tinytown.services.waiting import Waited, Waiting
from tinytown.store.agents import AgentStore, HandedOver
from tinytown.store.events import EventStream
from tinytown.store.inbox import Inbox

LONG_GONE = timedelta(hours=24)
"""How long an agent's host must be away before pruning all takes the agent out."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that was not pruned although it is gone."""

    name: str
    reason: str


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What pruning did."""

    removed: tuple[str, ...] = ()
    """Names, which are free again."""
    kept: tuple[Kept, ...] = ()
    moved: HandedOver = HandedOver()
    """Where work went elsewhere: how much of it."""


class AgentLife:
    """The lives of one town's agents, as one caller directs them.

    Agents may wait for others, and direct those that they spawned; with `may_direct` they may do as people do.
    """

    def __init__(
        self,
        agents: AgentStore,
        inbox: Inbox,
        events: Callable[[], EventStream],
        *,
        machine: Callable[[], str],
        ensure_host: Callable[[], object],
        clock: Callable[[], datetime],
        caller: Caller,
        may_direct: bool,
    ) -> None:
        self._agents = agents
        self._inbox = inbox
        self._events = events
        self._machine = machine
        self._ensure_host = ensure_host
        self._clock = clock
        self._caller = caller
        self._may_direct = may_direct

    def all(self) -> list[Agent]:
        """Every agent, by name."""
        return self._agents.all()

    def find(self, name: str) -> Agent:
        """An agent by name or by a prefix of its id."""
        return self._agents.get(self._agents.find_id(name))

    def kill(self, name: str, *, is_forced: bool = False) -> AgentState:
        """Stop an agent: after its run, or at once with force. Its messages and tasks wait.

        Returns:
            The state it is in now: `draining` while its run goes on, else `stopped`.

        Raises:
            NotFoundError. NotAllowedError: an agent calls that did not spawn it. ConflictError: it is stopped already,
            or stops when its run ends.
        """
        agent = self._directed(name, "stop")
        return self._agents.kill(agent.id, self._clock(), f"stopped by {self._who()}", is_forced=is_forced)

    def interrupt(self, name: str) -> AgentState:
        """Pause an agent until it is resumed. Its run is stopped and begun anew later, in the same worktree.

        Returns:
            The state it is in now: `paused`; one whose host is away stays `cold` or `starting` and comes back paused.

        Raises:
            NotFoundError, NotAllowedError. ConflictError: it is interrupted already, or will not go on anyway.
        """
        agent = self._directed(name, "interrupt")
        return self._agents.interrupt(agent.id, self._clock(), f"interrupted by {self._who()}")

    def resume(self, name: str) -> tuple[AgentState, datetime | None]:
        """Let a paused agent take up its inbox again, also out of the pause of a rate limit.

        Returns:
            The state it is in now, and when the rate limit ends that it was paused for, if it was.

        Raises:
            NotFoundError, NotAllowedError. ConflictError: it is not paused.
        """
        agent = self._directed(name, "resume")
        return self._agents.resume(agent.id, self._clock())

    def close(self, name: str) -> AgentState:
        """Have an agent take nothing new, do what is in its inbox already, and stop then.

        Returns:
            The state it is in now: `stopped` when nothing is left to do, else mostly `draining`; one that is paused or
            cold stays so until it is resumed or its host is back.

        Raises:
            NotFoundError, NotAllowedError. ConflictError: it is stopped, or closing already.
        """
        agent = self._directed(name, "close")
        return self._agents.close(agent.id, self._clock(), f"closed by {self._who()}")

    def restart(self, name: str, *, is_forced: bool = False) -> AgentState:
        """Start an agent anew that is stopped, in error or cold; with force also one that is there.

        Its id, inbox, tasks and settings stay; its rounds are counted from 0.

        Returns:
            The state it is in now: `starting`; or, while its run is stopped first, `paused` (`stopped` if it was that
            already): then it starts by itself.

        Raises:
            NotFoundError, NotAllowedError. ConflictError: it is there, or is still ending its last run.
        """
        agent = self._directed(name, "restart")
        state = self._agents.restart(agent.id, self._clock(), f"restarted by {self._who()}", is_forced=is_forced)
        if self.is_of_this_machine(agent):
            self._ensure_host()
        return state

    def is_of_this_machine(self, agent: Agent) -> bool:
        """Whether the host of this machine and folder runs it; another one is run where it was spawned."""
        return agent.spec.machine == self._machine()

    def wait(
        self, names: Sequence[str], *, state: AgentState | None = None, timeout_secs: float | None = None
    ) -> Waited:
        """Block until all those agents have done what they have, or are in `state`.

        Args:
            names: names, or prefixes of ids.
            state: what to wait for; by default that they are idle with nothing left to do, or stopped.
            timeout_secs: when to give up; by default never.

        Raises:
            NotFoundError. InvalidInputError: no names, or no time that can be. NotAllowedError: an agent waits for
            itself. ConflictError: one is in error, or stopped and so will not come into that state.
        """
        calling = self._caller.agent(self._agents)
        ids = [self._agents.find_id(name) for name in names]
        if calling is not None and calling.id in ids:
            raise NotAllowedError("an agent that waits for itself waits for ever; leave your own name out")
        return Waiting(self._agents, self._inbox, self._events).until(ids, state, timeout_secs)

    def prune(self, *, is_all: bool = False) -> Pruned:
        """Take agents that are stopped or in error out of the roster; those with unfinished work are kept.

        Args:
            is_all: also take those whose host is away for LONG_GONE, and let unfinished work go elsewhere: tasks to the
                backlog, missions' tasks back to their missions, messages to the conductor.

        Raises:
            NotAllowedError: an agent calls.
        """
        self._caller.check_directing("prune agents", may_direct=self._may_direct)
        removed: list[str] = []
        kept: list[Kept] = []
        moved = HandedOver()
        for agent in self._prunable(is_all=is_all):
            try:
                is_gone, found = self._agents.prune(agent.id, {agent.state}, self._clock(), hands_over=is_all)
            except IllegalTransitionError as error:
                kept.append(Kept(name=agent.name, reason=error.message))
                continue
            except NotFoundError:  # somebody else did it
                continue
            if is_gone:
                removed.append(agent.name)
                moved = moved + found
            else:
                kept.append(Kept(name=agent.name, reason=f"has {found.text}; see: tt reclaim --from {agent.name}"))
        return Pruned(removed=tuple(removed), kept=tuple(kept), moved=moved)

    def _prunable(self, *, is_all: bool) -> Iterator[Agent]:
        before = self._clock() - LONG_GONE
        for agent in self._agents.all():
            is_long_gone = agent.state is AgentState.COLD and agent.since <= before
            if agent.state in GONE or (is_all and is_long_gone):
                yield agent

    def _directed(self, name: str, what: str) -> Agent:
        """The agent that the caller directs. NotFoundError. NotAllowedError: it is none of the caller's."""
        agent = self.find(name)
        calling = self._caller.agent(self._agents)
        if calling is None or self._may_direct:
            return agent
        if (agent.spec.parent or "").lower() != calling.name.lower():
            raise NotAllowedError(
                f"an agent may only {what} agents that it spawned, and {agent.name} is none of yours; ask a person: tt"
                " send conductor TEXT --query"
            )
        return agent

    def _who(self) -> str:
        calling = self._caller.agent(self._agents)
        return "the operator" if calling is None else calling.name
