"""How long a request may take. Streams of events may take as long as they like, until the server is to stop or who
reads them is let in no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinytown.config.townhall import TownhallSettings
from tinytown.gate.asking import SAFE_METHODS, is_still_let_in
from tinytown.gate.problems import problem

log = structlog.get_logger("tinytown.townhall")

RECHECK_SECS = 10.0
"""How long a stream goes on at most after who reads it is let in no more."""
_GRACE_SECS = 0.5
"""How long a stream that knows that the server is to stop has for its last words."""


class TimeLimits:
    """ASGI middleware. 504 when no answer has begun in time; one that has begun and does not end is cut off.

    What runs in a thread cannot be stopped: it ends by itself, and gives back then what it was lent.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Callable[[], TownhallSettings],
        stopping: asyncio.Event,
        least_secs: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Args: least_secs is how long requests to some paths may take, whatever the settings say."""
        self._app = app
        self._settings = settings
        self._least_secs = least_secs
        self._stopping = stopping
        self._late: set[asyncio.Task[None]] = set()
        self._streams = _Streams(stopping)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer when nothing else does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        task = asyncio.ensure_future(self._app(scope, exchange.receive, exchange.send))
        try:
            limit_secs, first = self._limit_secs(scope["path"]), asyncio.FIRST_COMPLETED
            await asyncio.wait({task, exchange.streaming}, timeout=limit_secs, return_when=first)
            if exchange.is_stream and not task.done():
                may_stay = partial(is_still_let_in, scope)
                await self._streams.wait(task, self._last_secs(scope["method"]), may_stay)
        finally:
            if not task.done():
                exchange.is_closed = True
                self._leave(task)
        if task.done():
            task.result()
        elif not exchange.has_begun:
            detail = "it took too long, and may be done or not; look, then try again"
            await problem(504, "too-slow", detail, headers={"Connection": "close"})(scope, receive, send)
        elif exchange.is_stream:
            await send({"type": "http.response.body", "body": b""})

    def _limit_secs(self, path: str) -> float:
        return max(self._settings().request_timeout_ms / 1000, self._least_secs.get(path.rstrip("/"), 0))

    def _last_secs(self, method: str) -> float:
        """How long a stream has that knows that the server is to stop; one that answers a call has time to end that."""
        return _GRACE_SECS if method in SAFE_METHODS else self._settings().request_timeout_ms / 1000

    def _leave(self, task: asyncio.Task[None]) -> None:
        """Have it end when it can; it is nobody's any more."""
        self._late.add(task)
        task.add_done_callback(self._settle)
        task.cancel()

    def _settle(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a request that took too long failed at last", action="late_failure", exc_info=error)


class _Streams:
    """The streams of events that are open; all end when the server is to stop."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._open: set[asyncio.Future[None]] = set()
        self._closing: asyncio.Task[None] | None = None

    async def wait(self, task: asyncio.Task[None], last_secs: float, may_stay: Callable[[], Awaitable[bool]]) -> None:
        """Until the stream has ended, who reads it is let in no more, or it is to end and has had so much time for it."""
        with self._opened() as end:
            while not self._stopping.is_set():
                done, _ = await asyncio.wait({task, end}, timeout=RECHECK_SECS, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    break
                if not await may_stay():
                    log.info("who reads a stream is let in no more", action="stream_ended")
                    return
        if not task.done():
            await asyncio.wait({task}, timeout=last_secs)

    @contextmanager
    def _opened(self) -> Iterator[asyncio.Future[None]]:
        """What is done as soon as streams are to end."""
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.add(end)
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        try:
            yield end
        finally:
            self._open.discard(end)
            if not self._open and not self._closing.done():
                self._closing.cancel()
                self._closing = None

    async def _close(self) -> None:
        await self._stopping.wait()
        for end in self._open:
            end.cancel()


class _Exchange:
    """A request and its answer, of which nothing more goes either way once it is closed."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.has_begun = False
        self.is_closed = False
        self.streaming: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done as soon as the answer is a stream of events."""

    @property
    def is_stream(self) -> bool:
        return self.streaming.done()

    async def receive(self) -> Message:
        return {"type": "http.disconnect"} if self.is_closed else await self._receive()

    async def send(self, message: Message) -> None:
        if self.is_closed:
            return
        if message["type"] == "http.response.start":
            self.has_begun = True
            if Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream"):
                self.streaming.set_result(None)
        await self._send(message)
