"""How fast streams run."""

from __future__ import annotations

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How the streams of events run."""

    heartbeat_secs: float = 15.0
    """After so long without an event something else is sent."""
    stall_secs: float = 30.0
    """A reader that takes nothing for so long is closed."""
    retry_ms: int = 2000
    """After how long a reader whose stream broke comes back."""
    window: int = 1000
    """Events in memory."""
    page: int = 200
    """Events that are read from the store, or sent, at once."""
