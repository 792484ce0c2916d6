"""A server process over HTTP: listens, says where, serves until it is told to stop, and ends in order."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import uvicorn
from starlette.types import ASGIApp

from tinytown.gate.framing import HEAD_LIMIT_BYTES
from tinytown.serving.door import Door, Limits
from tinytown.serving.listening import Listener
from tinytown.serving.protocol import Protocol

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_MARGIN_SECS = 5


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is made of."""

    app: ASGIApp
    listener: Listener
    tls: ssl.SSLContext | None = None
    stopping: asyncio.Event
    """Set as soon as it was told to stop."""
    connections: Callable[[], Limits]
    """How many may be open now."""
    grace_secs: float
    """How long requests under way may take then; they have their own limit, which is as long."""

    @property
    def url(self) -> str:
        """Where it is found."""
        return self.listener.url("http" if self.tls is None else "https")


def serve(serving: Serving, on_started: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests under way end in order, a second signal ends the process at once."""
    config = uvicorn.Config(
        serving.app,
        log_config=None,
        access_log=False,
        http=Protocol,
        reset_contextvars=True,  # else one request may see the id of another
        ws="none",
        lifespan="auto",
        proxy_headers=False,  # nobody is believed about addresses that they forward for
        server_header=False,
        h11_max_incomplete_event_size=HEAD_LIMIT_BYTES,
        timeout_graceful_shutdown=int(serving.grace_secs) + _MARGIN_SECS,
    )
    _Server(config, serving, on_started).run()


class _Server(uvicorn.Server):
    """Says when it listens, and takes signals as the end in order: uvicorn would end by the signal itself.

    Connections come by a door of ours, so uvicorn is given no socket.
    """

    def __init__(self, config: uvicorn.Config, serving: Serving, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = serving.stopping
        self._on_started = on_started
        self._listening = serving.listener.socket
        self._door = Door(self._listening, serving.connections, self._protocol, serving.tls)

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets or [])
        self._door.open()
        self._on_started()

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        self._door.close()
        self._listening.close()
        await super().shutdown(sockets)

    def _protocol(self) -> Protocol:
        return Protocol(self.config, self.server_state, self.lifespan.state)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._stop, loop)
        yield
        self._let_go(loop)

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stopping.set()
        self.should_exit = True
        self._let_go(loop)

    def _let_go(self, loop: asyncio.AbstractEventLoop) -> None:
        """Leave signals to the system: the next one kills. What is stored survives that at any moment."""
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
