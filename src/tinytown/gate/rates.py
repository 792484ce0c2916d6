"""How many requests come from one address, and from one principal."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from time import monotonic

import structlog
from anyio import CapacityLimiter, to_thread
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinytown.config.townhall import TownhallSettings
from tinytown.domain.errors import TinytownError
from tinytown.gate.asking import PROBES, address_of, name_of, network_of
from tinytown.gate.problems import problem
from tinytown.store.rates import Rate, RateStore, Taken

log = structlog.get_logger("tinytown.townhall")

_THREADS = 4
_REST_SECS = 1.0
"""How long a store that did not answer is left alone: requests should not wait for it twice."""


class RateKeeper:
    """Takes requests out of the rates that the store keeps. While the store is away everybody passes.

    What a request wants of the town needs the store as well, so nothing is gained by refusing it here, and its answer
    says what is wrong.
    """

    def __init__(self, lend: Callable[[], AbstractContextManager[RateStore]]) -> None:
        self._lend = lend
        self._limiter = CapacityLimiter(_THREADS)
        self._rests_until = 0.0

    async def take(self, kind: str, who: str, rate: Rate) -> Taken | None:
        """What came of it; None: nobody counts."""
        if monotonic() < self._rests_until:
            return None
        return await to_thread.run_sync(partial(self._take, kind, who, rate), limiter=self._limiter)

    def _take(self, kind: str, who: str, rate: Rate) -> Taken | None:
        try:
            with self._lend() as store:
                return store.take(kind, who, rate)
        except TinytownError as error:
            if monotonic() >= self._rests_until:
                log.warning("requests are not counted", action="rates_away", reason=error.message)
            self._rests_until = monotonic() + _REST_SECS
            return None


class Rates:
    """ASGI middleware. 429 beyond the rate, with when to come again."""

    def __init__(
        self, app: ASGIApp, keeper: RateKeeper, kind: str, rule: Callable[[Scope], tuple[str, Rate] | None]
    ) -> None:
        self._app = app
        self._keeper = keeper
        self._kind = kind
        self._rule = rule

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        found = self._rule(scope) if scope["type"] == "http" and scope["path"] not in PROBES else None
        if found is None:
            await self._app(scope, receive, send)
            return
        who, rate = found
        taken = await self._keeper.take(self._kind, who, rate)
        if taken is None:
            await self._app(scope, receive, send)
        elif taken.is_taken:
            await self._app(scope, receive, _telling(send, rate, taken))
        else:
            wait = math.ceil(taken.retry_secs)
            detail = f"too many requests from one {self._kind}; wait {wait} s"
            headers = {**_headers(rate, taken), "Retry-After": str(wait)}
            await problem(429, "too-many-requests", detail, headers=headers)(scope, receive, send)


def per_address(settings: Callable[[], TownhallSettings]) -> Callable[[Scope], tuple[str, Rate] | None]:
    """The rule for whoever it is that asks from there."""

    def rule(scope: Scope) -> tuple[str, Rate] | None:
        limits = settings().rate_limit
        return _ruled(network_of(address_of(scope)), limits.per_address, limits.burst)

    return rule


def per_principal(settings: Callable[[], TownhallSettings]) -> Callable[[Scope], tuple[str, Rate] | None]:
    """The rule for whom authentication has recognised."""

    def rule(scope: Scope) -> tuple[str, Rate] | None:
        limits = settings().rate_limit
        return _ruled(name_of(scope), limits.per_principal, limits.burst)

    return rule


def _ruled(who: str, per_minute: int, burst: int) -> tuple[str, Rate] | None:
    return (who, Rate(per_minute=per_minute, burst=burst)) if who and per_minute else None


def _telling(send: Send, rate: Rate, taken: Taken) -> Send:
    """Tells of the rate, unless a narrower one within has."""

    async def send_with_rate(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            inner = headers.get("RateLimit-Remaining")
            if inner is None or int(inner) > taken.remaining:
                headers.update(_headers(rate, taken))
        await send(message)

    return send_with_rate


def _headers(rate: Rate, taken: Taken) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(rate.burst),
        "RateLimit-Remaining": str(taken.remaining),
        "RateLimit-Reset": str(math.ceil(taken.reset_secs)),
    }
