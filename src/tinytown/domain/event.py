"""Events of the town: what happened, in the order in which it happened."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TypeAlias

import msgspec

from tinytown.domain.errors import InvalidInputError

Position: TypeAlias = tuple[int, int]
"""A place in the stream as it is compared: milliseconds, then sequence."""

START: Position = (0, 0)
"""Before every event."""

_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,20})", re.ASCII)
_LARGEST = 2**64 - 1


def position(event_id: str) -> Position:
    """Where an id is in the stream. InvalidInputError: it is not the id of an event."""
    found = _ID.fullmatch(event_id)
    parts = (int(found[1]), int(found[2])) if found else (_LARGEST + 1, 0)
    if max(parts) > _LARGEST:
        raise InvalidInputError("that is not the id of an event; ids look like 1767614400000-0")
    return parts


def event_id(at: Position) -> str:
    """The id at a position."""
    return f"{at[0]}-{at[1]}"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the town's event stream."""

    id: str
    """Position in the stream, `milliseconds-sequence`."""
    at: datetime
    type: str
    """Stable dotted name such as `task.completed`."""
    text: str = ""
    mission_id: str | None = None
    item_id: str | None = None
    agent_id: str | None = None
    task_id: str | None = None
    run_id: str | None = None
    """Of an agent that is interrupted: the run to be stopped."""
    target: str | None = None
    """Pull request concerned."""
    message: str | None = None
    """Of `message.sent`: the message itself as JSON, when it is at most 4 KiB; a larger one is read from the inbox."""


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events somebody wants; what is None does not matter."""

    mission_id: str | None = None
    agent_id: str | None = None
    type_prefix: str = ""

    def fits(self, event: Event) -> bool:
        """Whether an event is wanted."""
        return (
            (self.mission_id is None or event.mission_id == self.mission_id)
            and (self.agent_id is None or event.agent_id == self.agent_id)
            and event.type.startswith(self.type_prefix)
        )


EVERYTHING = EventFilter()
