"""Requests as fast as the answers come, over connections that stay open; and readers of a stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from urllib.parse import urlsplit

import msgspec

from bench.figure import Samples

_HEAD_END = b"\r\n\r\n"
_LIMIT_BYTES = 16 * 1024 * 1024


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request, made again and again."""

    path: str
    method: str = "GET"
    body: bytes = b""
    status: int = 200
    """That is expected."""

    def packed(self, host: str) -> bytes:
        """As it goes over the wire."""
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n"
        if self.body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
        return f"{head}\r\n".encode() + self.body


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured."""

    samples: Samples
    """Each answer's time, from the request's first byte to the answer's last."""
    a_second: float
    """Answers."""
    bytes: int
    """Of one answer's body."""


class Client:
    """One connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None  # noqa: S101  our own URL
        assert parts.port is not None  # noqa: S101  as above
        self._host, self._port = parts.hostname, parts.port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=_LIMIT_BYTES)

    async def ask(self, request: Request) -> bytes:
        """The answer's body.

        Raises:
            RuntimeError: the answer has another status.
        """
        self._writer.write(request.packed(f"{self._host}:{self._port}"))
        head = (await self._reader.readuntil(_HEAD_END)).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        body = await self._reader.readexactly(length)
        if (status := int(head[9:12])) != request.status:
            raise RuntimeError(f"{request.method} {request.path} was answered with {status}: {body[:300]!r}")
        return body

    async def listen(self, path: str) -> None:
        """Begin to read a stream of events."""
        self._writer.write(Request(path=path).packed(f"{self._host}:{self._port}"))
        head = await self._reader.readuntil(_HEAD_END)
        if int(head[9:12]) != 200:  # noqa: PLR2004  OK
            raise RuntimeError(f"{path} was answered with {head[:200]!r}")

    async def until(self, text: bytes) -> float:
        """When the stream brought the text, as perf_counter."""
        while text not in await self._reader.readline():
            pass
        return perf_counter()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def opened(url: str, count: int) -> list[Client]:
    """So many connections."""
    clients = [Client(url) for _ in range(count)]
    for client in clients:
        await client.open()
    return clients


def load(url: str, requests: Sequence[Request], *, connections: int, secs: float) -> Load:
    """Make the requests in turn on each of the connections, for so long."""
    return asyncio.run(_load(url, requests, connections, secs))


async def _load(url: str, requests: Sequence[Request], connections: int, secs: float) -> Load:
    clients = await opened(url, connections)
    try:
        size = len(await clients[0].ask(requests[0]))
        began = perf_counter()
        times = await asyncio.gather(*(_repeat(client, requests, began + secs) for client in clients))
        took = perf_counter() - began
    finally:
        for client in clients:
            client.close()
    values = tuple(value for one in times for value in one)
    return Load(samples=Samples(values), a_second=len(values) / took, bytes=size)


async def _repeat(client: Client, requests: Sequence[Request], until: float) -> list[float]:
    values: list[float] = []
    while (asked := perf_counter()) < until:
        await client.ask(requests[len(values) % len(requests)])
        values.append((perf_counter() - asked) * 1000)
    return values
