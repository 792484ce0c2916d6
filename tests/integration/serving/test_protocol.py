"""Connections that do not come to a request."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.asgi import answering

from tinytown.serving import protocol
from tinytown.serving.protocol import Protocol

UNFINISHED = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


async def unread(_: Scope, __: Receive, send: Send) -> None:
    """Answers without a look at the body, as who refuses does."""
    await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def connection(*sent: bytes, pause: float = 0.0, app: ASGIApp | None = None) -> bytes:
    """What is answered until the server closes the connection."""
    app = app or answering(headers={"content-length": "4"})
    config = uvicorn.Config(app, http=Protocol, log_config=None, lifespan="off")
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(config, state, {}, loop), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        reading = asyncio.create_task(reader.read())
        for part in sent:
            if reading.done():
                break
            writer.write(part)
            await asyncio.sleep(pause)
        async with asyncio.timeout(10):
            got = await reading
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


@pytest.mark.parametrize(
    "body",
    [
        [b"Content-Length: 100\r\n\r\nx", b"y"],
        [b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", *[b"1\r\nx\r\n"] * 20],
        [b"Content-Length: 2\r\n\r\nx", b"yGET / HTT", b"P/1.1"],
    ],
)
def test_the_rest_of_a_body_that_nobody_reads_any_more_is_not_waited_for(
    body: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECS", 0.2)

    got = asyncio.run(connection(UNFINISHED + body[0], *body[1:], pause=0.02, app=unread))

    assert got.count(b"HTTP/1.1 ") == 1
    assert got.startswith(b"HTTP/1.1 401 ")


def test_a_body_that_comes_whole_after_its_answer_leaves_the_connection_for_the_next_request() -> None:
    after = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    got = asyncio.run(connection(UNFINISHED + b"Content-Length: 2\r\n\r\nx", b"y", after, pause=0.02, app=unread))

    assert got.count(b"HTTP/1.1 401 ") == 2
