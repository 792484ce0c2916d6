"""How much of everything there is in a town, read in one round trip whatever its size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from tinytown.domain.agent import AgentState
from tinytown.domain.mission import MissionState
from tinytown.store.codec import decode, pairs
from tinytown.store.connection import Connection
from tinytown.store.counters import Counters
from tinytown.store.dispatchers import Dispatcher
from tinytown.store.keys import Keys
from tinytown.store.scripts import load


class InboxCount(msgspec.Struct, frozen=True, kw_only=True):
    """An inbox; messages that a run has are in it until the run's end."""

    length: int
    oldest_at: datetime | None
    """When the oldest message was sent."""


class AgentCount(msgspec.Struct, frozen=True, kw_only=True):
    """An agent with what is counted of it."""

    name: str
    cli: str
    role: str
    state: AgentState
    open_tasks: int
    is_at_task: bool
    """Whether one of its open tasks is in a run."""
    inbox: InboxCount


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """What remains of a forge's quota."""

    resource: str
    limit: int
    remaining: int
    reset: datetime
    """When it begins anew."""


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """A town, counted at one moment."""

    agents: tuple[AgentCount, ...]
    conductor: InboxCount
    backlog: int
    missions: dict[MissionState, int]
    """Those stored before there was an index are in it when they next change."""
    active_missions: int
    startable_items: int
    """Ready items of active missions that could be begun now, were there agents for them."""
    first_due: datetime | None
    """When the mission was to be looked at that waits longest for a dispatcher, or is next."""
    hosts_alive: int
    hosts: int
    dispatchers: tuple[Dispatcher, ...]
    counters: Counters
    quotas: tuple[Quota, ...]
    """Of the token that the forge was last asked with; also those whose reset is past."""
    queued_checks: int
    running_checks: int

    @property
    def in_flight_tasks(self) -> int:
        """Tasks in a run."""
        return sum(agent.is_at_task for agent in self.agents)

    @property
    def assigned_tasks(self) -> int:
        """Tasks that wait in the inbox of an agent."""
        return sum(agent.open_tasks for agent in self.agents) - self.in_flight_tasks

    @property
    def pending_tasks(self) -> int:
        """Tasks that wait, in the backlog or an inbox."""
        return self.backlog + self.assigned_tasks


class CensusStore:
    """Counts one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def read(self) -> Census:
        """The town at this moment."""
        reply = self._connection.run(load("read_census"), self._keys.prefix, {}, may_repeat=True)
        agents, conductor, backlog, missions, active, startable, due, hosts, dispatchers, *rest = reply
        counters, quotas, queued, running = rest
        return Census(
            agents=tuple(sorted((_agent(*found) for found in agents), key=lambda agent: agent.name.lower())),
            conductor=_inbox(conductor),
            backlog=backlog,
            missions={MissionState(name): int(count) for name, count in pairs(missions).items()},
            active_missions=active,
            startable_items=sum(int(count) for count in startable),
            first_due=_at(due[1]) if due else None,
            hosts_alive=sum(hosts),
            hosts=len(hosts),
            dispatchers=tuple(decode(record, Dispatcher) for record in dispatchers),
            counters=Counters.of(counters),
            quotas=tuple(_quota(*found) for found in quotas),
            queued_checks=queued,
            running_checks=running,
        )


def _agent(
    name: bytes, cli: bytes, role: bytes, state: bytes, open_tasks: int, at_task: int, inbox: Sequence[Any]
) -> AgentCount:
    return AgentCount(
        name=name.decode(),
        cli=cli.decode(),
        role=role.decode(),
        state=AgentState(state.decode()),
        open_tasks=open_tasks,
        is_at_task=bool(at_task),
        inbox=_inbox(inbox),
    )


def _inbox(found: Sequence[Any]) -> InboxCount:
    length, sent = found
    oldest = min((msgspec.convert(at.decode(), datetime) for at in sent), default=None)
    return InboxCount(length=length, oldest_at=oldest)


def _quota(resource: bytes, limit: bytes, remaining: bytes, reset: bytes) -> Quota:
    return Quota(resource=resource.decode(), limit=int(limit), remaining=int(remaining), reset=_at(reset))


def _at(ms: bytes) -> datetime:
    return datetime.fromtimestamp(float(ms) / 1000, UTC)
