"""What is logged while the store is away: that it is, now and then that it still is, and that it is back."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

REMIND_FIRST_SECS = 60.0
REMIND_MOST_SECS = 960.0


class Outage:
    """One outage after the other, as a process that waits them out sees them. Not thread-safe."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._since: float | None = None
        self._remind_at = 0.0
        self._pause_secs = REMIND_FIRST_SECS

    def goes_on(self, reason: str) -> None:
        """The store did not answer."""
        now = self._clock()
        if self._since is None:
            self._since, self._pause_secs = now, REMIND_FIRST_SECS
            self._log.warning("store unreachable, trying again", action="store_unavailable", reason=reason)
        elif now >= self._remind_at:
            self._pause_secs = min(2 * self._pause_secs, REMIND_MOST_SECS)
            away_secs = round(now - self._since)
            self._log.warning("store still unreachable", action="store_unavailable", reason=reason, away_secs=away_secs)
        else:
            return
        self._remind_at = now + self._pause_secs

    def is_over(self) -> None:
        """The store answered."""
        if self._since is not None:
            away_secs = round(self._clock() - self._since, 1)
            self._since = None
            self._log.warning("store is back", action="store_back", away_secs=away_secs)  # seen by who saw it go
