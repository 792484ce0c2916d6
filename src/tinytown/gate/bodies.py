"""The size of bodies: what says that it is too large is refused unread, what turns out to be, as soon as it does."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinytown.config.townhall import TownhallSettings
from tinytown.gate.problems import problem

LARGER = {"/v1/webhooks/github": 25 * 1024 * 1024}
"""Paths whose bodies may be larger, by bytes: GitHub caps its deliveries there. The setting counts where it is more."""


class Bodies:
    """ASGI middleware. 413 for a body that is too large; its connection is not used again."""

    def __init__(self, app: ASGIApp, settings: Callable[[], TownhallSettings]) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with a body that is counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = max(self._settings().max_body_bytes, LARGER.get(scope["path"], 0))
        counted = _Counted(limit, receive, send)
        if _announced(scope) <= limit:
            await counted.serve(self._app, scope)
        else:
            counted.is_over = True
        if counted.is_over and not counted.has_begun:
            detail = f"the body is larger than {limit} bytes; send less at a time"
            await problem(413, "too-large", detail, headers={"Connection": "close"})(scope, receive, send)


class _Counted:
    """A request's body as it comes, and the answer, of which nothing goes out once the body was too large."""

    def __init__(self, limit: int, receive: Receive, send: Send) -> None:
        self._limit = limit
        self._receive = receive
        self._send = send
        self._got = 0
        self.is_over = False
        self.has_begun = False

    async def serve(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self.receive, self.send)
        except ClientDisconnect:
            if not self.is_over:
                raise

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._got += len(message.get("body", b""))
            self.is_over = self.is_over or self._got > self._limit
        if self.is_over:
            return {"type": "http.disconnect"}  # what reads it gives up
        return message

    async def send(self, message: Message) -> None:
        if self.is_over and not self.has_begun:
            return
        self.has_begun = True
        await self._send(message)


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isdigit() else 0
