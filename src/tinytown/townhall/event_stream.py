"""A stream of events to one reader.

Not sse-starlette's: frames are made once for all readers and joined, the end comes from the server's own event instead
of a patched signal handler, and a reader that takes nothing is given up; what is left to share is little.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial

import msgspec
import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tinytown.domain.access import Principal
from tinytown.domain.errors import TinytownError, UnavailableError
from tinytown.domain.event import EventFilter, Position, event_id, position
from tinytown.gate.problems import of_error
from tinytown.townhall.hub import Feed, Hub
from tinytown.townhall.sse import GOODBYE, HEARTBEAT, MEDIA_TYPE, frame, gap, mark, opening
from tinytown.townhall.window import Entry

log = structlog.get_logger("tinytown.events")

CHUNK_BYTES = 32_768
"""What is sent at once at most, but for one frame that is larger."""
FAREWELL_SECS = 1.0
"""How long a reader may take for the rest when the server ends."""
AWAY_SECS = 1.0
"""Between two tries to read on from a store that is away."""
ABORT = "abort_connection"
"""In the state of a request, where the server offers it: what breaks its connection off."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader wants."""

    wanted: EventFilter
    with_messages: bool
    after: Position
    """Where it goes on."""
    who: Principal


class EventResponse(Response):
    """Sends events until the reader goes, the server ends, or the reader takes nothing."""

    media_type = MEDIA_TYPE

    def __init__(self, hub: Hub, feed: Feed, wish: Wish, first: bytes = b"") -> None:
        """Args: first are the frames that it gets before what comes after its place."""
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._feed = feed
        self._wish = wish
        self._first = first
        self._is_sending = False
        self._place = wish.after
        self._confirmed = wish.after if wish.after <= feed.window.end else None
        """A place beyond the window that the store knows as well."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream, unless others have come since there was room."""
        try:
            self._hub.check_room(self._wish.who)
        except UnavailableError as error:
            await of_error(error)(scope, receive, send)
            return
        with self._hub.reading(self._wish.who):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            writing = asyncio.create_task(self._write(send))
            leaving = asyncio.create_task(_gone(receive))
            hurry = partial(asyncio.get_running_loop().call_later, FAREWELL_SECS, self._give_up, writing)
            self._feed.on_end.add(hurry)
            try:
                await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._feed.on_end.discard(hurry)
                writing.cancel()
                leaving.cancel()
                outcome, _ = await asyncio.gather(writing, leaving, return_exceptions=True)
                if self._is_sending:  # whoever reads nothing would not even let the connection be closed
                    scope.get("state", {}).get(ABORT, _nothing)()
            if isinstance(outcome, Exception):
                raise outcome

    def _give_up(self, writing: asyncio.Task[None]) -> None:
        if self._is_sending:
            writing.cancel()

    async def _write(self, send: Send) -> None:
        try:
            async with aclosing(self._chunks()) as chunks:
                async for chunk in chunks:
                    await self._send(send, chunk)
            await self._send(send, GOODBYE, is_last=True)
        except TimeoutError:
            log.info("a reader of events takes nothing and is given up", action="event_reader_stalled")

    async def _send(self, send: Send, chunk: bytes, *, is_last: bool = False) -> None:
        self._is_sending = True
        async with asyncio.timeout(self._hub.pace.stall_secs):
            await send({"type": "http.response.body", "body": chunk, "more_body": not is_last})
        self._is_sending = False

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        """What is sent; something at least every `heartbeat_secs`."""
        pace, loop = self._hub.pace, asyncio.get_running_loop()
        first, self._first = self._first, b""  # kept no longer than it takes
        yield opening(pace.retry_ms) + first
        del first
        told, due = self._place, loop.time() + pace.heartbeat_secs
        while not self._feed.is_over:
            news = self._feed.news  # before looking: what comes meanwhile sets this one
            chunk = await self._next(due)
            if not chunk and loop.time() < due:
                if chunk is None:
                    await until(news, due)
                continue
            yield chunk or (HEARTBEAT if self._place == told else mark(event_id(self._place)))
            told, due = self._place, loop.time() + pace.heartbeat_secs

    async def _next(self, due: float) -> bytes | None:
        """The next frames; empty when none of the next events is wanted, None when there are no more."""
        window = self._feed.window
        entries = window.after(self._place, self._hub.pace.page)
        if entries is None or (self._place > window.end and self._place != self._confirmed):
            return await self._catch_up(due)
        return self._take(entries) if entries else None

    async def _catch_up(self, due: float) -> bytes | None:
        """Read on from the store, and say so when events are gone there."""
        try:
            page, entries = await self._hub.history(event_id(self._place))
        except TinytownError:  # the hub says so in the log; what is to come is not lost
            await until(self._feed.news, min(due, asyncio.get_running_loop().time() + AWAY_SECS))
            return b""
        told = b""
        if page.first_kept is not None:
            told = gap(event_id(self._place), page.first_kept)
        if not entries:
            self._place = self._where_nothing_follows(page.first_kept)
        return told + self._take(entries)

    def _where_nothing_follows(self, first_kept: str | None) -> Position:
        place = self._place if first_kept is None else position(first_kept)
        self._confirmed = max(place, self._feed.window.start)
        return self._confirmed

    def _take(self, entries: list[Entry]) -> bytes:
        """The frames of as many entries as go into a chunk; the place moves on."""
        frames: list[bytes] = []
        size = 0
        for entry in entries:
            self._place = entry.place
            if self._wish.wanted.fits(entry.event):
                frames.append(
                    frame(entry.event, self._hub.names, with_message=True) if self._wish.with_messages else entry.frame
                )
                size += len(frames[-1])
                if size >= CHUNK_BYTES:
                    break
        return b"".join(frames)


async def until(news: asyncio.Event, deadline: float) -> None:
    """Wait for news, or for that time of the loop."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            await news.wait()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _nothing() -> None:
    """Done where the server offers no way to break off."""
