"""What the socket that a server listens on does to its connections."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tinytown.serving import listening
from tinytown.serving.listening import place

LONG = b"x" * 20_000_000


class Telling(asyncio.Protocol):
    """Says much, and closes the connection once that is taken."""

    def __init__(self, lost: asyncio.Future[Exception | None]) -> None:
        self._lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(LONG)
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set_result(exc)


async def told(*, sip_bytes: int) -> Exception | None:
    """How the connection of a client ended that takes so much every now and then."""
    loop = asyncio.get_running_loop()
    lost: asyncio.Future[Exception | None] = loop.create_future()
    listener = place("127.0.0.1", 0).listen()
    async with await loop.create_server(lambda: Telling(lost), sock=listener.socket):
        with socket.create_connection(("127.0.0.1", listener.port)) as client:
            client.setblocking(False)
            got = 0
            async with asyncio.timeout(20):
                while sip_bytes and got < len(LONG):
                    got += len(await loop.sock_recv(client, sip_bytes))
                    await asyncio.wait({lost}, timeout=0.1)
                return await lost


def test_who_takes_nothing_of_an_answer_loses_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "STALL_SECS", 1)

    assert isinstance(asyncio.run(told(sip_bytes=0)), TimeoutError)


def test_who_is_slow_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "STALL_SECS", 1)

    assert asyncio.run(told(sip_bytes=1_000_000)) is None
