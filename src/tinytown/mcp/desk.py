"""What tools, resources and prompts have in common: towns in threads, time limits, and who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
from anyio import CapacityLimiter, WouldBlock, fail_after, move_on_after, sleep
from anyio.lowlevel import checkpoint

from tinytown.bootstrap import Town
from tinytown.domain.errors import TinytownError, UnavailableError
from tinytown.gate.wording import outward
from tinytown.mcp.asking import Asker
from tinytown.services.audit import Audit

T = TypeVar("T")

THREADS = 20
"""So many calls are carried out at once; REST has threads of its own."""
WAITING_THREADS = 10
"""And so many waits, which keep no call from a thread."""


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server's calls are carried out."""

    lend: Callable[[], AbstractContextManager[Town]]
    """A town for a moment, in any thread."""
    audit: Audit
    clock: Callable[[], datetime]
    asker: Callable[[object], Asker]
    """Who asks, by the HTTP request, None over stdio. UnauthenticatedError: nobody knows."""
    limit_secs: Callable[[], float]
    """How long a call may take that has no limit of its own."""
    is_stopping: Callable[[], bool] = lambda: False
    """Whether the server was told to stop: what waits for something then ends."""
    is_local: bool = False
    """Whether who asks is on this machine and may read paths of it."""
    threads: Executor = msgspec.field(default_factory=lambda: ThreadPoolExecutor(THREADS, "mcp"))
    waiting: Executor = msgspec.field(default_factory=lambda: ThreadPoolExecutor(WAITING_THREADS, "mcp-wait"))
    places: CapacityLimiter = msgspec.field(default_factory=lambda: CapacityLimiter(WAITING_THREADS))
    """Of those that have a thread to wait in; the others look again from time to time."""

    async def run(self, does: Callable[[Town], T], limit_secs: float | None = None) -> T:
        """What `does` answers about a town, in a thread.

        What takes too long goes on by itself, and gives its thread and its town back when it ends.

        Args:
            does: what is to be done.
            limit_secs: how long it may take.

        Raises:
            UnavailableError: it takes too long. TinytownError: as `does` does.
        """
        try:
            with fail_after(self.limit_secs() if limit_secs is None else limit_secs):
                return await _in(self.threads, partial(self._with_town, does))
        except TimeoutError as error:
            raise UnavailableError("it took too long, and may be done or not; look, then try again") from error

    async def wait(self, does: Callable[[Town], object], secs: float) -> None:
        """Let some time pass, less if `does`, which waits for something that long at most, has come to its end.

        Raises:
            TinytownError: as `does` does.
        """
        borrower = object()
        try:
            self.places.acquire_on_behalf_of_nowait(borrower)
        except WouldBlock:  # nobody waits for a thread longer than for what it is about
            await sleep(secs)
            return
        try:
            with move_on_after(secs + 1):
                await _in(self.waiting, partial(self._with_town, does))
        finally:
            self.places.release_on_behalf_of(borrower)

    async def in_thread(self, does: Callable[[], None]) -> None:
        """Do something short that needs no town."""
        await _in(self.threads, does)

    def _with_town(self, does: Callable[[Town], T]) -> T:
        with self.lend() as town:
            return does(town)

    def told(self, error: TinytownError) -> str:
        """An error in one line, with its name in front."""
        text = "; ".join(filter(None, map(str.strip, error.message.splitlines()))) if self.is_local else outward(error)
        return f"{error.slug}: {text}"


async def _in(threads: Executor, does: Callable[[], T]) -> T:
    """What `does` answers in one of these threads; what nobody waits for any more is not begun, or has its thread still.

    anyio's limits do not count what was given up, so that there could be any number of it.
    """
    await checkpoint()  # what is given up already is not begun
    return await asyncio.get_running_loop().run_in_executor(threads, copy_context().run, does)
