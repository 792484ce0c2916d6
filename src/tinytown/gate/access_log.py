"""The access log: one line a request, without queries, headers and bodies."""

from __future__ import annotations

import time

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from tinytown.gate.answer import Answer
from tinytown.gate.asking import PROBES, address_of, method_of, name_of, path_of

log = structlog.get_logger("tinytown.access")


class AccessLog:
    """ASGI middleware. A request that ended without an answer has status 0."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, then log."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = path_of(scope)  # routers may change it
        answer = Answer(send)
        began = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        finally:
            tell = log.debug if path in PROBES else log.info
            tell(
                "request",
                action="request",
                method=method_of(scope),
                path=path,
                status=answer.status,
                ms=round((time.perf_counter() - began) * 1000, 1),
                bytes=answer.sent_bytes,
                principal=name_of(scope),
                address=address_of(scope),
            )
