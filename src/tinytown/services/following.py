"""Following the town's events as they come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tinytown.domain.event import Event
from tinytown.domain.ids import CONDUCTOR
from tinytown.store.agents import AgentStore
from tinytown.store.connection import Connection
from tinytown.store.events import EventStream
from tinytown.store.keys import Keys


class Follower:
    """Gives each event once, however often the store is away. Not thread-safe; it has a connection, so `close()` it."""

    def __init__(self, connection: Connection, keys: Keys, after: str | None = None) -> None:
        """Args: after is the id of the last event that is known; None: begin with what happens next."""
        self._connection = connection
        self._stream = EventStream(connection, keys, after)
        self._agents = AgentStore(connection, keys)
        self._waiting: list[Event] = []
        self.names: Mapping[str, str] = {}
        """The agents' names by id, of all that the events so far are about."""

    @property
    def after(self) -> str:
        """The id of the last event that was read."""
        return self._stream.after

    def wait(self, timeout_secs: float) -> list[Event]:
        """The next events; an empty list when none comes in time.

        Raises:
            StoreUnavailableError: call again, nothing is lost.
        """
        if not self._waiting:
            self._waiting = self._stream.wait(timeout_secs)
        if about_strangers(self._waiting, self.names):
            self.names = names_of(self._agents)
        events, self._waiting = self._waiting, []
        return events

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()


def about_strangers(events: list[Event] | tuple[Event, ...], names: Mapping[str, str]) -> bool:
    """Whether events are about agents without a name here."""
    return any(e.agent_id is not None and e.agent_id != CONDUCTOR and e.agent_id not in names for e in events)


def names_of(agents: AgentStore) -> Mapping[str, str]:
    """The agents' names by id."""
    return {agent.id: agent.name for agent in agents.all()}


def lag_secs(event: Event, now: datetime) -> float:
    """How long ago the store took the event in; 0 when its clock is ahead."""
    return max(0.0, now.timestamp() - int(event.id.partition("-")[0]) / 1000)
