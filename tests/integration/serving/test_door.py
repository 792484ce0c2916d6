"""How many connections are open at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send
from tests.asgi import answering
from tests.certificates import Authority

from tinytown.serving.door import Door, Limits
from tinytown.serving.listening import Listener, place
from tinytown.serving.protocol import Protocol

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[], Awaitable[None]]], None]:
    """Runs a test on either kind of loop."""

    def runs(test: Callable[[], Awaitable[None]]) -> None:
        async def main() -> None:
            async with asyncio.timeout(20):
                await test()

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main())

    return runs


@contextlib.asynccontextmanager
async def opened(limits: Limits, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Door, Listener]]:
    """A door that is open."""
    config = uvicorn.Config(answering(headers={"content-length": "4"}), log_config=None, lifespan="off")
    config.load()
    state = uvicorn.server.ServerState()
    listener = place("127.0.0.1", 0).listen()
    door = Door(listener.socket, lambda: limits, lambda: Protocol(config, state, {}), tls)
    with listener.socket:
        door.open()
        yield door, listener
        door.close()
        await until(lambda: door.guests == 0)


async def until(predicate: Callable[[], bool]) -> None:
    while not predicate():  # noqa: ASYNC110  nothing tells of it
        await asyncio.sleep(0.01)


class Guest:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def asks(self) -> bool:
        """Whether it is answered."""
        try:
            self.writer.write(GET)
            return (await self.reader.readuntil(b"done")).startswith(b"HTTP/1.1 200 ")
        except (ConnectionError, asyncio.IncompleteReadError):
            return False

    async def is_closed(self) -> bool:
        """Whether the server closes it."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.read() == b""
        return True


@contextlib.asynccontextmanager
async def guests(listener: Listener) -> AsyncIterator[Callable[..., Awaitable[Guest]]]:
    """Makes connections; they are closed at the end."""
    made: list[Guest] = []

    async def enter(tls: ssl.SSLContext | None = None) -> Guest:
        made.append(Guest(*await asyncio.open_connection("127.0.0.1", listener.port, ssl=tls)))
        return made[-1]

    try:
        yield enter
    finally:
        for guest in made:
            guest.writer.close()
            with contextlib.suppress(OSError):
                await guest.writer.wait_closed()


Run = Callable[[Callable[[], Awaitable[None]]], None]


@pytest.mark.parametrize("limits", [Limits(total=2), Limits(total=9, each=2)])
def test_the_oldest_idle_connection_gives_way_to_a_new_one(run: Run, limits: Limits) -> None:
    async def test() -> None:
        async with opened(limits) as (door, listener), guests(listener) as enter:
            first, second = await enter(), await enter()
            await until(lambda: door.guests == 2)
            third = await enter()
            assert await first.is_closed()
            assert [await second.asks(), await third.asks()] == [True, True]
            assert door.guests == 2

    run(test)


def test_a_connection_too_many_is_closed_while_all_others_are_in_use(run: Run) -> None:
    released = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await released.wait()
        await answering(headers={"content-length": "4"})(scope, receive, send)

    async def test() -> None:
        async with opened(Limits(total=1)) as (door, listener), guests(listener) as enter:
            first = await enter()
            (guest,) = await entered(door)
            guest.app = slow
            asking = asyncio.create_task(first.asks())
            await until(lambda: not guest.is_idle)
            assert await (await enter()).is_closed()
            released.set()
            assert await asking
            assert await (await enter()).asks()

    run(test)


async def entered(door: Door) -> list[Protocol]:
    await until(lambda: bool(door.protocols))
    return door.protocols


def test_who_does_not_come_to_speak_tls_gives_way_as_well(run: Run, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*authority.server().files)
    client = ssl.create_default_context(cafile=str(authority.file))

    async def test() -> None:
        async with opened(Limits(total=2), server) as (door, listener), guests(listener) as enter:
            silent = [await enter(), await enter()]
            await until(lambda: door.guests == 2)
            assert await (await enter(client)).asks()
            assert await silent[0].is_closed()

    run(test)


def test_connections_that_fail_to_speak_tls_are_not_counted_any_more(run: Run, tmp_path: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*Authority(tmp_path).server().files)

    async def test() -> None:
        async with opened(Limits(), server) as (door, listener), guests(listener) as enter:
            for _ in range(5):
                wrong = await enter()
                wrong.writer.write(GET)
                assert not (await wrong.reader.read()).startswith(b"HTTP")
            await until(lambda: door.guests == 0)

    run(test)


def test_a_closed_door_lets_nobody_in_and_those_within_finish(run: Run) -> None:
    async def test() -> None:
        async with opened(Limits()) as (door, listener), guests(listener) as enter:
            first = await enter()
            assert await first.asks()
            door.close()
            assert await first.asks()
            with socket.create_connection(("127.0.0.1", listener.port)) as later:
                later.setblocking(False)
                later.send(GET)
                assert await first.asks()
                with pytest.raises(BlockingIOError):
                    later.recv(1)
            first.writer.close()

    run(test)
