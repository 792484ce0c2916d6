"""HTTP connections that can be broken off from within a request."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from tinytown.townhall.event_stream import ABORT


class AbortableProtocol(H11Protocol):
    """Puts what breaks the connection off into the state of its requests.

    Closing a connection waits until the other side has taken what was sent, which one that reads nothing never does.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As it was, with the transport's `abort`."""
        self.app_state = {**self.app_state, ABORT: transport.abort}
        super().connection_made(transport)
