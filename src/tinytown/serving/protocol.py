"""HTTP/1.1 as uvicorn speaks it, with a time limit for what clients owe outside of an exchange, and problem documents."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import h11

from tinytown.gate.problems import problem
from tinytown.serving.abortable import AbortableProtocol

HEAD_SECS = 15.0
"""How long a client may take for a request's line and headers, and for the rest of a body that was answered already:
without a limit a few clients, of whom nobody knows who they are, take all connections."""
_TOO_LARGE = 431
_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"), (b"connection", b"close"))


class Protocol(AbortableProtocol):
    """One connection."""

    _head_limit: asyncio.TimerHandle | None = None
    on_lost: Callable[[], None] | None = None
    """Called when the connection has ended."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing was asked that is not answered yet."""
        return self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as there
        """Wait for a request."""
        super().connection_made(transport)
        self._set_limit()

    def data_received(self, data: bytes) -> None:
        """Take it in; a request that has begun must go on."""
        super().data_received(data)
        self._set_limit()

    def on_response_complete(self) -> None:
        """Wait for the next request, and before it for what is left of this one."""
        super().on_response_complete()
        self._set_limit()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._end_limit()
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  as it is called
        """Refuse what is no request; called while the error that says so is handled."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()  # in the middle of an answer there is no other way to say it
            return
        status = getattr(sys.exc_info()[1], "error_status_hint", 400)
        if status == _TOO_LARGE:
            answer = problem(status, "headers-too-large", "the request's line and headers are too large together")
        else:
            answer = problem(400, "bad-request", "that is no HTTP request that can be understood")
        headers = [*answer.raw_headers, *_HEADERS]
        for event in (
            h11.Response(status_code=answer.status_code, headers=headers),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _set_limit(self) -> None:
        """Have a limit while the client owes something that no request's own limit covers."""
        is_answered = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        if self.transport.is_closing() or not (is_answered or self.conn.their_state is h11.IDLE):
            self._end_limit()
        elif self._head_limit is None:
            self._head_limit = self.loop.call_later(HEAD_SECS, self.transport.close)

    def _end_limit(self) -> None:
        if self._head_limit is not None:
            self._head_limit.cancel()
            self._head_limit = None
