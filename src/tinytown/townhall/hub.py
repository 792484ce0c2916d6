"""The events of the town for any number of readers: one thread a process reads them, all readers share what it read.

No reader has a queue of its own. Each has a place in the shared window of the last events; who falls behind it reads on
from the store, until it is in the window again. So a reader that is slow costs a place, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import msgspec
import structlog

from tinytown.bootstrap import Town
from tinytown.domain.access import OPERATOR, Principal
from tinytown.domain.errors import TinytownError, TooManyRequestsError, UnavailableError
from tinytown.domain.event import position
from tinytown.runtime.outage import Outage
from tinytown.services.following import Follower, about_strangers, lag_secs
from tinytown.services.journal import Journal
from tinytown.store.events import Page
from tinytown.townhall.pace import Pace
from tinytown.townhall.pool import TownPool
from tinytown.townhall.sse import frame
from tinytown.townhall.window import Entry, Window

log = structlog.get_logger("tinytown.events")

T = TypeVar("T")

WAIT_SECS = 0.5
"""How long the thread waits at most before it looks whether it is to end."""
AWAY_SECS = 0.5
"""Between two tries while the store is away."""
HISTORY_THREADS = 4
"""Readers that read on from the store at the same time; more wait for their turn."""
FULL_RETRY_SECS = 10


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """How many streams may be open."""

    total: int
    each: int
    """Of one principal; where nobody is asked who they are, all are one's."""


class Feed:
    """One time of following the events. Of the event loop, but for `closing`."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.news = asyncio.Event()
        """Set when there is something new; then another takes its place."""
        self.is_over = False
        self.closing = threading.Event()
        self.on_end: set[Callable[[], object]] = set()
        """Called when it ends; who adds one takes it away."""

    def publish(self, entries: list[Entry]) -> None:
        """Add entries and wake who waits for them."""
        self.window.add(entries)
        self._wake()

    def end(self) -> None:
        """Nothing more will come."""
        self.is_over = True
        self.closing.set()
        self._wake()
        for call in tuple(self.on_end):
            call()

    def _wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()


class Hub:
    """One server's. It begins to follow the events with the first reader, and ends with `close()`."""

    def __init__(self, towns: TownPool, stopping: asyncio.Event, pace: Pace, places: Callable[[], Places]) -> None:
        self.pace = pace
        self.readers = 0
        """How many streams are open."""
        self.lag_secs = 0.0
        """How old the latest event was when it came."""
        self.names: dict[str, str] = {}
        """Of the agents, by id, as far as events were about them; grows in threads."""
        self._towns = towns
        self._stopping = stopping
        self._places = places
        self._of_each: Counter[str] = Counter()
        self._lock = asyncio.Lock()
        self._threads = ThreadPoolExecutor(HISTORY_THREADS, "events-stored")
        self._feed: Feed | None = None
        self._thread: threading.Thread | None = None
        self._watch: asyncio.Task[None] | None = None

    @contextmanager
    def reading(self, who: Principal) -> Iterator[None]:
        """While a reader is served."""
        self.readers += 1
        self._of_each[who.name] += 1
        try:
            yield
        finally:
            self.readers -= 1
            self._of_each[who.name] -= 1
            if not self._of_each[who.name]:
                del self._of_each[who.name]

    def check_room(self, who: Principal) -> None:
        """UnavailableError: there are as many readers as there may be, or as many of one as one may have."""
        places = self._places()
        if who != OPERATOR and self._of_each[who.name] >= places.each:
            raise TooManyRequestsError(
                f"{who.name} has {places.each} streams of events open, as many as one may have"
                " (max_event_readers_per_principal under [townhall]); close one, or come back later",
                retry_after_secs=FULL_RETRY_SECS,
            )
        if self.readers >= places.total:
            raise UnavailableError(
                f"{self.readers} streams of events are open, as many as there may be (max_event_readers under"
                " [townhall]); close one, or come back later",
                retry_after_secs=FULL_RETRY_SECS,
            )

    async def feed(self) -> Feed:
        """What goes on now. UnavailableError: the store is away, or the server ends."""
        async with self._lock:
            if self._stopping.is_set():
                raise UnavailableError("the server ends; come back when it runs again")
            if self._feed is None or self._feed.is_over:
                self._feed = await self._begin()
            return self._feed

    async def ask(self, question: Callable[[Journal], T]) -> T:
        """The answer of the journal, in a thread. NotFoundError, StoreUnavailableError and so on as it answers."""
        return await self._in_thread(partial(self._ask, question))

    async def history(self, after: str) -> tuple[Page, list[Entry]]:
        """The page of stored events that follows the one of that id. StoreUnavailableError: nothing was read."""
        return await self._in_thread(partial(self._page, after))

    async def close(self) -> None:
        """End all streams and the thread."""
        if self._watch is not None:
            self._watch.cancel()
        if self._feed is not None:
            self._feed.end()
        if self._thread is not None:
            await self._in_thread(self._thread.join)
        self._threads.shutdown(wait=False)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _ask(self, question: Callable[[Journal], T]) -> T:
        with self._towns.lend() as town:
            return question(town.journal)

    def _page(self, after: str) -> tuple[Page, list[Entry]]:
        with self._towns.lend() as town:
            page = town.journal.since(after, self.pace.page)
            if about_strangers(page.events, self.names):
                self.names.update(town.journal.names())
            return page, [Entry.of(event, frame(event, self.names)) for event in page.events]

    async def _begin(self) -> Feed:
        follower = await self._in_thread(self._open)
        feed = Feed(Window(position(follower.after), self.pace.window))
        follow = partial(self._follow, follower, feed, asyncio.get_running_loop())
        self._thread = threading.Thread(target=follow, name="events", daemon=True)
        self._thread.start()
        if self._watch is None:
            self._watch = asyncio.create_task(self._end_with_the_server())
        return feed

    def _open(self) -> Follower:
        with self._towns.lend() as town:
            _wake_store(town)
            return town.follower()

    async def _end_with_the_server(self) -> None:
        await self._stopping.wait()
        if self._feed is not None:
            self._feed.end()

    def _follow(self, follower: Follower, feed: Feed, loop: asyncio.AbstractEventLoop) -> None:
        outage = Outage(log)
        try:
            with closing(follower):
                while not feed.closing.is_set():
                    try:
                        self._pass_on(follower, feed, loop)
                    except TinytownError as error:
                        outage.goes_on(error.message)
                        feed.closing.wait(AWAY_SECS)
                    else:
                        outage.is_over()
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(feed.end)

    def _pass_on(self, follower: Follower, feed: Feed, loop: asyncio.AbstractEventLoop) -> None:
        events = follower.wait(WAIT_SECS)
        if events:
            self.lag_secs = lag_secs(events[-1], datetime.now(UTC))
            self.names.update(follower.names)
            entries = [Entry.of(event, frame(event, self.names)) for event in events]
            loop.call_soon_threadsafe(feed.publish, entries)


def _wake_store(town: Town) -> None:
    """Start the town's own server if it does not run: who follows does not."""
    town.connection.execute("PING")
