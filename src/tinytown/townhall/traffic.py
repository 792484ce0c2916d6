"""What this server process answered since it started: counted as it passes, for `/metrics`."""

from __future__ import annotations

from collections import Counter
from http import HTTPMethod
from threading import Lock
from time import perf_counter

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histogram of answers, seconds."""
UNKNOWN_ROUTE = "none"
"""Of requests that no route answered; their paths could be anything."""
OTHER_METHOD = "OTHER"
BROKEN = "5xx"
"""What is answered outside when nothing was answered here: a bug, or the end of the time limit."""
EVENT_STREAM = "text/event-stream"


class Timing(msgspec.Struct):
    """How long answers took."""

    fits: Counter[float] = msgspec.field(default_factory=Counter)
    """How many were no slower than a bound, by the least such bound."""
    count: int = 0
    sum_secs: float = 0.0

    def add(self, secs: float) -> None:
        """One more."""
        self.count += 1
        self.sum_secs += secs
        if (bound := next((bound for bound in BUCKETS if secs <= bound), None)) is not None:
            self.fits[bound] += 1


class Traffic:
    """Thread-safe. Labels are bounded: routes by their templates, known methods, classes of statuses."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._timings: dict[tuple[str, str], Timing] = {}
        self._readers = 0

    def requests(self) -> dict[tuple[str, str, str], int]:
        """Answered requests by method, route and class of status."""
        with self._lock:
            return dict(sorted(self._requests.items()))

    def timings(self) -> dict[tuple[str, str], Timing]:
        """How long answers took by method and route, without streams of events, which last as long as their readers."""
        with self._lock:
            copies = {one: msgspec.structs.replace(t, fits=Counter(t.fits)) for one, t in self._timings.items()}
        return dict(sorted(copies.items()))

    @property
    def readers(self) -> int:
        """Who reads a stream of events now."""
        return self._readers

    def answered(self, method: str, route: str, status: str, secs: float | None) -> None:
        """Count a request; without `secs` it was a stream of events."""
        method = method if method in HTTPMethod.__members__ else OTHER_METHOD
        with self._lock:
            self._requests[method, route, status] += 1
            if secs is not None:
                self._timings.setdefault((method, route), Timing()).add(secs)

    def reading(self, change: int) -> None:
        """A reader came (1) or went (-1)."""
        with self._lock:
            self._readers += change


class Counted:
    """ASGI middleware that counts what passes."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, is_stream = perf_counter(), BROKEN, False

        async def watched(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = f"{message['status'] // 100}xx"
                is_stream = Headers(raw=message["headers"]).get("content-type", "").startswith(EVENT_STREAM)
                if is_stream:
                    self._traffic.reading(1)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            if is_stream:
                self._traffic.reading(-1)
            secs = None if is_stream else perf_counter() - begun
            self._traffic.answered(scope["method"], _template(scope), status, secs)


def _template(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and path else UNKNOWN_ROUTE
