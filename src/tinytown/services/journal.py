"""The town's events as people and programs are shown them: chosen, and with agents by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import chain, islice

import msgspec

from tinytown.domain.errors import NotFoundError
from tinytown.domain.event import EVERYTHING, START, Event, EventFilter, event_id
from tinytown.domain.ids import CONDUCTOR, RESERVED_NAMES
from tinytown.services.following import names_of
from tinytown.store.agents import AgentStore
from tinytown.store.events import EventStream, Page
from tinytown.store.missions import MissionStore

_WHOLE_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


_PRUNED = "agent.pruned"
"""Its text is the name that the agent had."""


class EventSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An event under the stable field names of every face."""

    id: str
    at: datetime
    type: str
    text: str
    mission_id: str | None
    item_id: str | None
    agent_id: str | None
    agent_name: str | None
    """None: no agent, or one that is gone and whose name is not known any more."""
    task_id: str | None
    target: str | None


class EventWithMessage(EventSeen, frozen=True, kw_only=True):
    """The same with the message that it brought."""

    message: msgspec.Raw | None


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """The last events that fit, and where to go on."""

    events: tuple[Event, ...]
    """Oldest first."""
    position: str
    """The id of the newest event, whether it fits or not."""
    pruned: Mapping[str, str] = {}
    """Names by id of agents that were pruned since the first of them."""


class Journal:
    """The events of one town."""

    def __init__(self, stream: Callable[[], EventStream], agents: AgentStore, missions: MissionStore) -> None:
        self._stream = stream
        self._agents = agents
        self._missions = missions

    def wanted(
        self,
        *,
        mission: str | None = None,
        agent: str | None = None,
        type_prefix: str = "",
        is_coming_back: bool = False,
    ) -> EventFilter:
        """The choice of events in the words of a person.

        Args:
            mission: its id or the beginning of it.
            agent: its name or the beginning of its id, or `conductor`.
            type_prefix: how their types begin.
            is_coming_back: whether a whole id may be of what was there once: its last events are wanted.

        Raises:
            NotFoundError, AmbiguousError.
        """
        is_reserved = agent is not None and agent.lower() in RESERVED_NAMES
        return EventFilter(
            mission_id=None if mission is None else _found(self._missions.find, mission, may_be_gone=is_coming_back),
            agent_id=None
            if agent is None
            else CONDUCTOR
            if is_reserved
            else _found(self._agents.find_id, agent, may_be_gone=is_coming_back),
            type_prefix=type_prefix,
        )

    def recent(self, limit: int, wanted: EventFilter = EVERYTHING) -> Recent:
        """The last events that are wanted, at most so many; as many are looked at as are kept."""
        every = self._stream().newest()
        newest = next(every, None)
        if newest is None:
            return Recent(events=(), position=event_id(START))
        pruned: dict[str, str] = {}

        def fits(event: Event) -> bool:
            if event.type == _PRUNED and event.agent_id is not None:
                pruned[event.agent_id] = event.text
            return wanted.fits(event)

        events = tuple(islice(filter(fits, chain((newest,), every)), limit))[::-1]
        return Recent(events=events, position=newest.id, pruned=pruned)

    def since(self, after: str, limit: int) -> Page:
        """The events that follow the one of that id, at most so many, whether wanted or not."""
        return self._stream().since(after, limit)

    def names(self, of: Recent | None = None) -> Mapping[str, str]:
        """The agents' names by id, also of those that were pruned since these events."""
        return {**(of.pruned if of is not None else {}), **names_of(self._agents)}


def seen(event: Event, names: Mapping[str, str]) -> EventSeen:
    """An event as it is shown, without the message that it brought."""
    return EventSeen(
        id=event.id,
        at=event.at,
        type=event.type,
        text=event.text,
        mission_id=event.mission_id,
        item_id=event.item_id,
        agent_id=event.agent_id,
        agent_name=_name(event, names),
        task_id=event.task_id,
        target=event.target,
    )


def seen_with_message(event: Event, names: Mapping[str, str]) -> EventWithMessage:
    """An event as it is shown, with the message that it brought."""
    raw = None if event.message is None else msgspec.Raw(event.message.encode())
    return EventWithMessage(**msgspec.structs.asdict(seen(event, names)), message=raw)


def _found(find: Callable[[str], str], text: str, *, may_be_gone: bool) -> str:
    try:
        return find(text)
    except NotFoundError:
        if may_be_gone and _WHOLE_ID.fullmatch(text):
            return text.lower()
        raise


def _name(event: Event, names: Mapping[str, str]) -> str | None:
    if event.agent_id is None or event.agent_id == CONDUCTOR:
        return event.agent_id
    return names.get(event.agent_id) or (event.text if event.type == _PRUNED else None)
