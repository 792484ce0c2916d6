"""Waiting for agents: the town's events say when to look again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

import msgspec

from tinytown.domain.agent import GONE, Agent, AgentState
from tinytown.domain.errors import ConflictError, InvalidInputError
from tinytown.domain.message import STARTS_A_RUN
from tinytown.store.agents import AgentStore
from tinytown.store.events import EventStream
from tinytown.store.inbox import Inbox

_SWEEP_SECS = 30.0
"""Also without an event it is looked again after this time: the server may have been away."""


_AFTER_A_RUN = GONE | {AgentState.PAUSED}
"""States in which an agent has a run only while that is being stopped."""


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    """How a wait ended."""

    agents: tuple[Agent, ...]
    """Those waited for, as they were seen last; without those that were pruned meanwhile."""
    pending: tuple[Agent, ...] = ()
    """When the time was up: those that were not there yet."""

    @property
    def is_timed_out(self) -> bool:
        """Whether it ended because the time was up."""
        return bool(self.pending)


class Waiting:
    """Waits for agents."""

    def __init__(self, agents: AgentStore, inbox: Inbox, events: Callable[[], EventStream]) -> None:
        self._agents = agents
        self._inbox = inbox
        self._events = events

    def until(self, agent_ids: Sequence[str], state: AgentState | None, timeout_secs: float | None) -> Waited:
        """Block until all of them are there, or the time is up; see AgentLife.wait.

        Raises:
            InvalidInputError: nobody to wait for, or a negative time. ConflictError: one will not get there.
        """
        if not agent_ids:
            raise InvalidInputError("say which agents to wait for")
        if timeout_secs is not None and timeout_secs < 0:
            raise InvalidInputError("the time to wait is at least 0 seconds")
        wanted, events = frozenset(agent_ids), self._events()
        end = None if timeout_secs is None else time.monotonic() + timeout_secs
        while True:
            found = tuple(agent for agent in self._agents.all() if agent.id in wanted)
            pending = tuple(agent for agent in found if not self._is_there(agent, state))
            left = _SWEEP_SECS if end is None else end - time.monotonic()
            if not pending or left <= 0:
                return Waited(agents=found, pending=pending)
            _next(events, wanted, left)

    def _is_there(self, agent: Agent, state: AgentState | None) -> bool:
        if agent.run_id is not None and agent.state in _AFTER_A_RUN:
            return False  # its run is still being stopped; it may also be about to start anew
        if agent.state is state:
            return True
        if agent.state is AgentState.ERROR or (state is not None and agent.state in GONE):
            why = f": {agent.reason}" if agent.reason else ""
            raise ConflictError(f"{agent.name} is {agent.state.phrase}{why}; start it again: tt restart {agent.name}")
        return state is None and (agent.state in GONE or (agent.state is AgentState.IDLE and not self._has_work(agent)))

    def _has_work(self, agent: Agent) -> bool:
        return agent.inbox_len > 0 and any(m.kind in STARTS_A_RUN for m in self._inbox.waiting(agent.id))


def _next(events: EventStream, agent_ids: Collection[str], timeout_secs: float) -> None:
    """Block until something happened to one of them, or it is time to look anyway."""
    end = time.monotonic() + min(timeout_secs, _SWEEP_SECS)
    while (left := end - time.monotonic()) > 0:
        if any(event.agent_id in agent_ids for event in events.wait(left)):
            return
