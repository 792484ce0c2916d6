"""Readiness found out in bounded time, whatever the store does and however busy the server's threads are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio.to_thread
import structlog
from anyio import CapacityLimiter

from tinytown.domain.errors import StoreUnavailableError, TinytownError
from tinytown.services.readiness import Readiness

log = structlog.get_logger("tinytown.townhall")

ANSWER_SECS = 0.4
"""How long the store may take to answer the probe."""
PROBE_SECS = 0.8
"""How long anybody waits for a probe; what takes longer (a server that is being started) goes on for the next one."""


class Probe:
    """Looks whether the store answers; one look at a time, which all who ask meanwhile share.

    It has a thread of its own: routes that wait for the store may have taken all others.
    """

    def __init__(self) -> None:
        self._look: asyncio.Task[Readiness | TinytownError] | None = None
        self._was_ready = True

    async def ask(self, find_out: Callable[[float], Readiness]) -> Readiness:
        """What the store answers.

        Args:
            find_out: asks the store, and waits no longer than the seconds that it is given.

        Raises:
            TinytownError: it does not answer, or refuses us.
        """
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._find_out(find_out))
        try:
            found = await asyncio.wait_for(asyncio.shield(self._look), PROBE_SECS)
        except TimeoutError:
            found = StoreUnavailableError(f"no answer within {PROBE_SECS:g} s")
        self._note(found)
        if isinstance(found, TinytownError):
            raise found
        return found

    async def _find_out(self, find_out: Callable[[float], Readiness]) -> Readiness | TinytownError:
        """An error is given back, not raised: nobody may be there any more to take it."""
        try:
            return await anyio.to_thread.run_sync(find_out, ANSWER_SECS, limiter=CapacityLimiter(1))
        except TinytownError as error:
            return error

    def _note(self, found: Readiness | TinytownError) -> None:
        """Log when it changes: probes come every few seconds."""
        is_ready = isinstance(found, Readiness)
        if is_ready and not self._was_ready:
            log.info("the store answers again", action="store_back")
        if isinstance(found, TinytownError) and self._was_ready:
            log.warning("the store does not answer", action="store_lost", why=found.message)
        self._was_ready = is_ready
