"""Events of the town: what happened, in the order in which it happened."""

from __future__ import annotations

from datetime import datetime

import msgspec


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
    target: str | None = None
    """Pull request concerned."""
    message: str | None = None
    """Of `message.sent`: the message itself as JSON, when it is at most 4 KiB; a larger one is read from the inbox."""
