"""Getting over what died: agents whose host is gone, and the work of agents that do not come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from tinytown.domain.agent import GONE, Agent, AgentState
from tinytown.domain.errors import IllegalTransitionError, InvalidInputError, NotFoundError
from tinytown.services.caller import Caller
from tinytown.store.agents import BACKLOG, AgentStore, HandedOver
from tinytown.store.hosts import HostStore

NOWHERE = "none"
"""The destination when nothing was to be moved."""

_RECLAIMABLE = GONE | {AgentState.COLD}


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What recovering did."""

    checked: int
    """Agents of the roster that were looked at."""
    agents: tuple[str, ...] = ()
    """Those of this machine that had no host and get one now."""
    elsewhere: tuple[str, ...] = ()
    """Those that stay cold until there is a host on their own machine."""


class Reclaimed(msgspec.Struct, frozen=True, kw_only=True):
    """What reclaiming did, or could do."""

    destination: str
    """An agent's name, `backlog` or `none`."""
    moved: HandedOver = HandedOver()
    found: HandedOver = HandedOver()
    """What there was; without a destination none of it was moved."""
    agents: tuple[str, ...] = ()
    """Those that had it."""

    @property
    def count(self) -> int:
        """Tasks and messages that were moved."""
        return self.moved.total


class Recovery:
    """Recovery of one town."""

    def __init__(
        self,
        agents: AgentStore,
        hosts: HostStore,
        *,
        machine: Callable[[], str],
        is_host_running: Callable[[], bool],
        start_host: Callable[[], object],
        ensure_host: Callable[[], object],
        clock: Callable[[], datetime],
        caller: Caller,
        may_direct: bool,
    ) -> None:
        self._agents = agents
        self._hosts = hosts
        self._machine = machine
        self._is_host_running = is_host_running
        self._start_host = start_host
        self._ensure_host = ensure_host
        self._clock = clock
        self._caller = caller
        self._may_direct = may_direct

    def recover(self) -> Recovered:
        """Give up hosts that are gone, at once, and start this machine's for its agents.

        What agents were running goes back to their inboxes; what a dead host left running the next one stops first.

        Raises:
            NotAllowedError: an agent calls.
        """
        self._caller.check_directing("recover agents", may_direct=self._may_direct)
        here, has_host = self._machine(), self._is_host_running()
        released = {name for host_id, record in self._hosts.all().items() for name in self._release(host_id, record)}
        agents = self._agents.all()
        waiting = {AgentState.COLD} if has_host else {AgentState.COLD, AgentState.STARTING}
        ours = [a for a in agents if a.spec.machine == here and (a.state in waiting or a.name in released)]
        if ours:
            self._start_host()
        elsewhere = tuple(a.name for a in agents if a.spec.machine != here and a.state is AgentState.COLD)
        return Recovered(checked=len(agents), agents=tuple(a.name for a in ours), elsewhere=elsewhere)

    def _release(self, host_id: str, record: dict[str, str]) -> list[str]:
        is_dead = record.get("machine") == self._machine() and not self._is_host_running()
        if record["is_alive"] == "yes" and not is_dead:
            return []
        return self._hosts.release_lost(host_id, record.get("token", ""), self._clock(), is_dead=is_dead)

    def reclaim(self, *, to_backlog: bool = False, to: str | None = None, source: str | None = None) -> Reclaimed:
        """Take unfinished work from agents that are gone, or from one agent what it is not at.

        Tasks of missions go back to their missions, which give them out anew; messages that bring no task go to the
        agent `to`, or to the conductor.

        Args:
            to_backlog: tasks go to the backlog.
            to: name of the agent that gets it; without either it is only counted.
            source: only this agent's, which may be there.

        Raises:
            InvalidInputError: two destinations, or one and the same agent. NotFoundError: no such agent.
            ConflictError: the agent takes no tasks. NotAllowedError: an agent calls.
        """
        self._caller.check_directing("reclaim the work of others", may_direct=self._may_direct)
        if to_backlog and to is not None:
            raise InvalidInputError("work goes to the backlog or to an agent; say one of them", argument="to")
        receiver = None if to is None else self._agents.get(self._agents.find_id(to))
        sources = self._sources(source, receiver)
        target = receiver.id if receiver is not None else BACKLOG if to_backlog else None
        found, names = HandedOver(), []
        for agent in sources:
            one = self._take(agent, target, may_live=source is not None)
            found = found + one
            if one.total:
                names.append(agent.name)
        is_moved = target is not None
        if is_moved and found.total:
            self._ensure_host()
        return Reclaimed(
            destination=receiver.name if receiver is not None else BACKLOG if to_backlog else NOWHERE,
            moved=found if is_moved else HandedOver(),
            found=found,
            agents=tuple(names),
        )

    def _sources(self, source: str | None, receiver: Agent | None) -> list[Agent]:
        if source is None:
            return [
                a for a in self._agents.all() if a.state in _RECLAIMABLE and (receiver is None or a.id != receiver.id)
            ]
        agent = self._agents.get(self._agents.find_id(source))
        if receiver is not None and agent.id == receiver.id:
            raise InvalidInputError(
                f"what {agent.name} has is {agent.name}'s already; name another agent", argument="to"
            )
        return [agent]

    def _take(self, agent: Agent, target: str | None, *, may_live: bool) -> HandedOver:
        try:
            return self._agents.reclaim(agent.id, target, self._clock(), may_live=may_live)
        except (IllegalTransitionError, NotFoundError):  # it is there again, or was pruned: nothing of it is lost
            return HandedOver()
