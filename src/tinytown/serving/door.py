"""Takes connections in, as many as there may be: whoever connects and asks nothing gives way to who comes later.

The loop's own servers take in all who come, until the process has no descriptors left to speak to the store with.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from tinytown.gate.asking import network_of
from tinytown.serving.protocol import HEAD_SECS, Protocol

log = structlog.get_logger("tinytown.townhall")

AT_ONCE = 16
"""So many are taken in before what came from others is read, so that it is known who asks something."""
PAUSE_SECS = 0.5
"""While there are no descriptors."""
GOODBYE_SECS = 5.0
"""How long TLS may take to end."""
TOLD_SECS = 60.0
"""Between two lines in the log that say that there was no room."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How many connections may be open; 0 for any number."""

    total: int = 0
    each: int = 0
    """From one address."""


class _Guest:
    """A connection that is open, or about to speak TLS."""

    def __init__(self, network: str) -> None:
        self.network = network
        self.protocol: Protocol | None = None
        self.entering: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        return self.protocol is None or self.protocol.is_idle

    def send_away(self) -> None:
        if self.protocol is not None:
            self.protocol.transport.abort()
        elif self.entering is not None:
            self.entering.cancel()


class Door:
    """Of one server, on its event loop.

    Args:
        listening: takes connections; it stays the caller's.
        limits: as they are now.
        make: the protocol of a connection.
        tls: what connections are encrypted with.
    """

    def __init__(
        self,
        listening: socket.socket,
        limits: Callable[[], Limits],
        make: Callable[[], Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listening = listening
        self._limits = limits
        self._make = make
        self._tls = tls
        self._guests: dict[_Guest, None] = {}
        """The oldest first."""
        self._of_each: Counter[str] = Counter()
        self._refused = 0
        self._told: float | None = None
        self._pause: asyncio.TimerHandle | None = None

    @property
    def guests(self) -> int:
        """How many connections there are."""
        return len(self._guests)

    @property
    def protocols(self) -> list[Protocol]:
        """Of those that have come so far as to ask something."""
        return [guest.protocol for guest in self._guests if guest.protocol is not None]

    def open(self) -> None:
        """Take connections in from now on."""
        self._pause = None
        asyncio.get_running_loop().add_reader(self._listening, self._take_in)

    def close(self) -> None:
        """Take in no more; those that are open stay so."""
        if self._pause is not None:
            self._pause.cancel()
        asyncio.get_running_loop().remove_reader(self._listening)
        for guest in self._guests:
            if guest.protocol is None:
                guest.send_away()

    def _take_in(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._wait()
                return
            self._welcome(connection, network_of(str(address[0])))

    def _wait(self) -> None:
        """There are no descriptors: have some given back."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listening)
        self._pause = loop.call_later(PAUSE_SECS, self.open)
        self._make_room(None)
        self._tell()

    def _welcome(self, connection: socket.socket, network: str) -> None:
        if not self._has_room(network):
            connection.close()
            self._tell()
            return
        connection.setblocking(False)
        guest = _Guest(network)
        self._guests[guest] = None
        self._of_each[network] += 1
        guest.entering = asyncio.create_task(self._enter(guest, connection))

    def _has_room(self, network: str) -> bool:
        limits = self._limits()
        if limits.each and self._of_each[network] >= limits.each:
            return self._make_room(network)
        return not limits.total or len(self._guests) < limits.total or self._make_room(None)

    def _make_room(self, network: str | None) -> bool:
        """Send the oldest away that asks nothing, from there or from anywhere; false: there is none."""
        for guest in self._guests:
            if guest.is_idle and network in {None, guest.network}:
                self._leave(guest)
                guest.send_away()
                return True
        return False

    async def _enter(self, guest: _Guest, connection: socket.socket) -> None:
        tls = {} if self._tls is None else {"ssl_handshake_timeout": HEAD_SECS, "ssl_shutdown_timeout": GOODBYE_SECS}
        protocol = self._make()
        protocol.on_lost = lambda: self._leave(guest)
        is_in = False
        try:
            with suppress(OSError):  # who connects may leave at any time, and need not speak TLS
                loop = asyncio.get_running_loop()
                await loop.connect_accepted_socket(lambda: protocol, connection, ssl=self._tls, **tls)
                guest.protocol, is_in = protocol, True
        finally:
            if not is_in:
                self._leave(guest)

    def _leave(self, guest: _Guest) -> None:
        if guest in self._guests:
            del self._guests[guest]
            self._of_each[guest.network] -= 1
            if not self._of_each[guest.network]:
                del self._of_each[guest.network]

    def _tell(self) -> None:
        """That there was no room, every now and then."""
        self._refused += 1
        now = asyncio.get_running_loop().time()
        if self._told is None or now - self._told >= TOLD_SECS:
            log.warning("no room for a connection", action="connection_refused", refused=self._refused)
            self._told, self._refused = now, 0
