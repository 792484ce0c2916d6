"""Connections that do not come to a request."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import uvicorn
from tests.asgi import answering

from tinytown.serving import protocol
from tinytown.serving.protocol import Protocol


async def connection(*sent: bytes, pause: float = 0.0) -> bytes:
    """What is answered until the server closes the connection."""
    config = uvicorn.Config(answering(headers={"content-length": "4"}), http=Protocol, log_config=None, lifespan="off")
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(config, state, {}, loop), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for part in sent:
            writer.write(part)
            await asyncio.sleep(pause)
        async with asyncio.timeout(10):
            got = await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return got


@pytest.mark.parametrize("sent", [[], [b"GET / HTT"], [b"GET / HTTP/1.1\r\nHost: lo", b"cal", b"host\r\n"]])
def test_a_request_that_does_not_get_complete_is_not_waited_for(
    sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECS", 0.1)

    assert asyncio.run(connection(*sent, pause=0.02)) == b""


def test_a_request_that_comes_slowly_but_in_time_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECS", 5)

    got = asyncio.run(connection(b"GET / HTTP/1.1\r\n", b"Host: localhost\r\nConnection: close\r\n\r\n", pause=0.02))

    assert got.startswith(b"HTTP/1.1 200 ")


def test_the_limit_counts_anew_for_the_next_request_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECS", 0.2)

    got = asyncio.run(connection(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /", pause=0.05))

    assert got.count(b"HTTP/1.1 200 ") == 1


def test_what_is_no_request_after_an_answer_is_refused_too() -> None:
    got = asyncio.run(connection(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x00\r\n\r\n", pause=0.05))

    assert got.count(b"HTTP/1.1 200 ") == 1
    assert b"HTTP/1.1 400 " in got
    assert b"bad-request" in got
