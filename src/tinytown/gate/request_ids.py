"""Each request has an id: the client's own when it is sane, else a new one. It is in the answer, the logs and the audit."""

from __future__ import annotations

import re

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinytown.domain.ids import new_id

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class RequestIds:
    """ASGI middleware. `scope["state"]["request_id"]` and structlog's context have it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with an id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = taken_over(Headers(scope=scope).get(HEADER)) or new_id()
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_with_id)


def taken_over(offered: str | None) -> str | None:
    """The id that a client offers, unless it is one that should not get into logs."""
    return offered if offered is not None and _SANE.fullmatch(offered) else None
