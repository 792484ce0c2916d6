"""The last events of the town in memory, shared by all who read them live."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from tinytown.domain.event import Event, Position, position


class Entry(msgspec.Struct, frozen=True):
    """An event with its frame, which is made once for all readers."""

    place: Position
    event: Event
    frame: bytes

    @classmethod
    def of(cls, event: Event, frame: bytes) -> Entry:
        """The event's."""
        return cls(position(event.id), event, frame)


class Window:
    """Every event after `start` up to `end`; when it is full the oldest leave, and `start` moves on."""

    def __init__(self, start: Position, size: int) -> None:
        self.start = start
        self.end = start
        self._size = size
        self._entries: deque[Entry] = deque()

    def add(self, entries: Iterable[Entry]) -> None:
        """Add what happened next, in order."""
        for entry in entries:
            self._entries.append(entry)
            self.end = entry.place
        while len(self._entries) > self._size:
            self.start = self._entries.popleft().place

    def after(self, place: Position, limit: int) -> list[Entry] | None:
        """The entries after a place, at most so many; None when some that follow it have left."""
        if place < self.start:
            return None
        found: deque[Entry] = deque(maxlen=limit)
        for entry in reversed(self._entries):
            if entry.place <= place:
                break
            found.appendleft(entry)
        return list(found)
