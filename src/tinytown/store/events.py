"""The town's event stream: what hosts, dispatchers and people follow instead of polling."""

from __future__ import annotations

import msgspec

from tinytown.domain.event import Event
from tinytown.store.codec import pairs
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

_FIELDS = {"mission": "mission_id", "item": "item_id", "agent": "agent_id", "task": "task_id"}


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

    def _last(self) -> str:
        last = self._connection.execute("XREVRANGE", self._key, "+", "-", "COUNT", 1)
        return last[0][0].decode() if last else "0-0"


def _event(entry_id: str, flat: list[bytes]) -> Event:
    fields = {_FIELDS.get(name, name): value.decode() for name, value in pairs(flat).items()}
    return msgspec.convert({"id": entry_id, **fields}, Event, strict=False)
