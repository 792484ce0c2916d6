"""The town's event stream: what hosts, dispatchers and people follow instead of polling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tinytown.domain.event import START, Event, event_id, position
from tinytown.store.codec import pairs
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

_FIELDS = {"mission": "mission_id", "item": "item_id", "agent": "agent_id", "task": "task_id", "run": "run_id"}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Events that follow a position."""

    events: tuple[Event, ...]
    """Oldest first; none: nothing has happened since."""
    first_kept: str | None = None
    """When events between the position and these may be gone: the id of the oldest that is still there."""


class EventStream:
    """One reader of the stream, with its position."""

    def __init__(self, connection: Connection, keys: Keys, after: str | None = None) -> None:
        self._connection = connection
        self._key = keys("events")
        self.after = after if after is not None else self._last()

    def wait(self, timeout_secs: float, limit: int = 500) -> list[Event]:
        """The next events; an empty list when none comes in time. A time of 0 does not wait."""
        block = ("BLOCK", max(1, int(timeout_secs * 1000))) if timeout_secs > 0 else ()
        command = ("XREAD", "COUNT", limit, *block, "STREAMS", self._key, self.after)
        reply = self._connection.wait(command, timeout_secs)
        if not reply:
            return []
        events = [_event(entry_id.decode(), flat) for entry_id, flat in reply[0][1]]
        self.after = events[-1].id
        return events

    def recent(self, limit: int) -> list[Event]:
        """The last events before now, oldest first; the position stays."""
        found = self._connection.execute("XREVRANGE", self._key, "+", "-", "COUNT", limit)
        return [_event(entry_id.decode(), flat) for entry_id, flat in reversed(found)]

    def newest(self, *, page: int = 500) -> Iterator[Event]:
        """Every event that is still there, newest first, read page by page; the position stays."""
        before = "+"
        while found := self._connection.execute("XREVRANGE", self._key, before, "-", "COUNT", page):
            yield from (_event(entry_id.decode(), flat) for entry_id, flat in found)
            before = f"({found[-1][0].decode()}"

    def since(self, after: str, limit: int) -> Page:
        """The events that follow the one of that id, at most so many, and whether some may be missing between; the
        position stays.

        An id that is newer than every event is not of this stream: the page is empty and says so by `first_kept`,
        which is then the newest event's.
        """
        found = self._connection.execute("XRANGE", self._key, after, "+", "COUNT", limit + 1)
        is_there = bool(found) and found[0][0].decode() == after
        # The one command shows both: that nothing was dropped between that event and the rest, and the rest.
        events = tuple(_event(entry_id.decode(), flat) for entry_id, flat in found[1 if is_there else 0 :][:limit])
        return Page(events=events, first_kept=None if is_there else self._first_after_gap(after))

    def _first_after_gap(self, after: str) -> str | None:
        """The oldest event's id when the stream dropped events, and those right after that id may be among them."""
        place = position(after)
        if self._connection.execute("EXISTS", self._key) == 0:
            return None if place == START else event_id(START)
        info = self._connection.execute("XINFO", "STREAM", self._key)
        about: dict[bytes, Any] = dict(zip(info[::2], info[1::2], strict=True))
        last = about[b"last-generated-id"].decode()
        if place > position(last):
            return str(last)
        if about.get(b"entries-added") == about[b"length"] or not about[b"first-entry"]:  # Redis 6 does not count them
            return None
        first = about[b"first-entry"][0].decode()
        return str(first) if place < position(first) else None

    def _last(self) -> str:
        last = self._connection.execute("XREVRANGE", self._key, "+", "-", "COUNT", 1)
        return last[0][0].decode() if last else "0-0"


def _event(entry_id: str, flat: list[bytes]) -> Event:
    fields = {_FIELDS.get(name, name): value.decode() for name, value in pairs(flat).items()}
    return msgspec.convert({"id": entry_id, **fields}, Event, strict=False)
