"""Whatever happens to connections, readers and the store: each event comes once, in order."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from tests.integration.store.stores import NOW, Stores
from tests.integration.townhall.event_server import EventServer, event_server
from tests.integration.townhall.sse_reader import SseReader
from tests.waiting import wait_until

from tinytown.store.codec import at_text
from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys
from tinytown.store.server import ensure_server, stop_server
from tinytown.townhall.pace import Pace

SMALL = Pace(window=20, page=7)
LONG = "x" * 4000


@pytest.fixture
def town(connection: Connection, keys: Keys) -> Stores:
    return Stores(connection, keys)


@pytest.fixture
def serve(tmp_path: Path, redis_url: str, town: Stores) -> Iterator[Callable[..., EventServer]]:
    name = town.keys.prefix.partition(":")[2]
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(event_server(tmp_path, redis_url, name, **options))


def say(connection: Connection, keys: Keys, *texts: str) -> list[str]:
    calls = [("XADD", keys("events"), "*", "type", "test.said", "at", at_text(NOW), "text", text) for text in texts]
    return [reply.decode() for reply in connection.execute_many(calls)]


class Stubborn:
    """A reader that comes back with the last id it knows whenever its connection breaks."""

    def __init__(self, port: int, first: str) -> None:
        self.port = port
        self.known = first
        self.ids: list[str] = []
        self.frames: list[str] = []
        self.reader = self._open()

    def _open(self) -> SseReader:
        return SseReader(self.port, {"Last-Event-ID": self.known})

    def break_off(self) -> None:
        """Cut the connection, keep what came whole, come back."""
        self.reader.cut()
        self._take()
        self.reader = self._open()

    def all_ids(self) -> list[str]:
        """Every id so far."""
        return [*self.ids, *self.reader.ids]

    def close(self) -> None:
        self.reader.cut()
        self._take()

    def _take(self) -> None:
        self.ids += self.reader.ids
        self.frames += self.reader.types
        self.known = self.reader.last_id or self.known


@contextmanager
def stubborn(server: EventServer, first: str, count: int) -> Iterator[list[Stubborn]]:
    readers = [Stubborn(server.port, first) for _ in range(count)]
    try:
        yield readers
    finally:
        for reader in readers:
            reader.close()


@pytest.mark.parametrize("pace", [SMALL, Pace()])
def test_nothing_is_lost_or_comes_twice_while_connections_are_cut_at_random(
    serve: Callable[..., EventServer], town: Stores, redis_url: str, pace: Pace
) -> None:
    server = serve(pace=pace)
    (first,) = say(town.connection, town.keys, "first")
    written: list[str] = []
    is_done = threading.Event()

    def write() -> None:
        chance = random.Random(1)  # noqa: S311  the same each time
        connection = connect(redis_url)
        for number in range(400):
            texts = [f"{number}.{part}" for part in range(chance.randrange(1, 12))]
            written.extend(say(connection, town.keys, *texts))
        connection.close()
        is_done.set()

    writer = threading.Thread(target=write)
    chance = random.Random(2)  # noqa: S311  the same each time
    with stubborn(server, first, 4) as readers:
        writer.start()
        while not is_done.is_set():
            chance.choice(readers).break_off()
        writer.join()
        for reader in readers:
            wait_until(lambda reader=reader: len(reader.all_ids()) >= len(written), "it has them all", 30)  # type: ignore[misc]
            reader.break_off()
            assert reader.ids == written
            assert set(reader.frames) == {"test.said"}


def test_a_reader_of_a_mission_or_agent_that_is_gone_by_now_misses_nothing_of_it(
    serve: Callable[..., EventServer], town: Stores
) -> None:
    gone = "0a0b0c0d-0000-4000-8000-00000000000f"
    server, connection, key = serve(), town.connection, town.keys("events")
    (known,) = say(connection, town.keys, "before")
    fields = ("type", "mission.deleted", "at", at_text(NOW), "mission", gone, "agent", gone)
    deleted = connection.execute("XADD", key, "*", *fields).decode()
    say(connection, town.keys, "of another")
    seen = {"Last-Event-ID": known}
    new, short = SseReader(server.port, mission=gone), SseReader(server.port, seen, mission=gone[:8])
    readers = [SseReader(server.port, seen, mission=gone.upper()), SseReader(server.port, seen, agent=gone)]
    try:
        assert (new.status, short.status) == (404, 404)
        for reader in readers:
            wait_until(partial(_has_only, reader, deleted), "it hears of the end")
    finally:
        for reader in (new, short, *readers):
            reader.cut()


def _has_only(reader: SseReader, event_id: str) -> bool:
    return reader.ids == [event_id]


def test_a_slow_reader_holds_nobody_up_and_misses_nothing(serve: Callable[..., EventServer], town: Stores) -> None:
    server = serve(pace=SMALL)
    slow = DeafReader(server.port)
    with SseReader(server.port) as quick:
        ids = say(town.connection, town.keys, *(f"{number} {LONG}" for number in range(1500)))
        wait_until(lambda: quick.ids == ids, "the quick one has all")
        assert server.hub.readers == 2
        assert slow.read_ids(len(ids)) == ids
    slow.close()


class DeafReader:
    """Has a stream opened, and reads of it only when told to."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.seen = b""
        while b"events of the town" not in self.seen:
            self.seen += self.socket.recv(100)

    def read_ids(self, count: int | None = None) -> list[str]:
        """Ids of so many events, or of all until the end."""
        rest = bytearray(self.seen)
        with suppress(ConnectionError):
            while count is None or rest.count(b"\ndata: ") < count or not rest.endswith(b"\r\n"):
                chunk = self.socket.recv(65536)
                if not chunk:
                    break
                rest += chunk
        return [line[4:].decode() for line in rest.split(b"\n") if line.startswith(b"id: ")]

    def close(self) -> None:
        self.socket.close()


def test_a_reader_that_takes_nothing_is_cut_off_after_a_time(serve: Callable[..., EventServer], town: Stores) -> None:
    server = serve(pace=Pace(stall_secs=0.2))
    deaf = DeafReader(server.port)
    assert server.hub.readers == 1
    ids = say(town.connection, town.keys, *(f"{number} {LONG}" for number in range(3000)))
    wait_until(lambda: server.hub.readers == 0, "it is given up")
    got = deaf.read_ids()
    assert 0 < len(got) < len(ids)
    assert got == ids[: len(got)]
    deaf.close()
    with SseReader(server.port, {"Last-Event-ID": got[-2]}) as back:
        wait_until(lambda: back.ids == ids[len(got) - 1 :], "the rest comes when it comes back")


def test_a_reader_that_takes_nothing_does_not_keep_the_server_from_ending(
    serve: Callable[..., EventServer], town: Stores
) -> None:
    server = serve()
    deaf = DeafReader(server.port)
    with SseReader(server.port) as quick:
        ids = say(town.connection, town.keys, *(f"{number} {LONG}" for number in range(3000)))
        wait_until(lambda: quick.ids == ids, "all were sent to who takes them")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < server.hub.pace.stall_secs / 2
        assert quick.has_ended_well
    deaf.close()


def test_streams_stay_open_while_the_store_is_away_and_go_on_without_loss(
    tmp_path: Path, guard: None, keys: Keys
) -> None:
    root, name = tmp_path / "store", keys.prefix.partition(":")[2]
    root.mkdir()
    url = ensure_server(root)
    try:
        connection = connect(url)
        written = say(connection, keys, "first")
        with (
            event_server(tmp_path, url, name, pace=Pace(heartbeat_secs=0.1)) as server,
            SseReader(server.port) as reader,
            SseReader(server.port, {"Last-Event-ID": "0-0"}) as whole,
        ):
            written += say(connection, keys, "before")
            wait_until(lambda: reader.ids == written[1:] and whole.ids == written, "both follow")
            kill(connection)
            beats = reader.lines.count(": still here")
            wait_until(lambda: reader.lines.count(": still here") > beats + 3, "it is kept open")
            late = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            late.request("GET", "/v1/events?agent=backend")
            assert late.getresponse().status == 503
            late.close()
            assert ensure_server(root) == url
            written += say(connection, keys, "after")
            wait_until(lambda: reader.ids == written[1:] and whole.ids == written, "both go on")
        connection.close()
    finally:
        stop_server(root)


def kill(connection: Connection) -> None:
    """End the server at once."""
    info = connection.execute("INFO", "server").decode()
    pid = next(line.partition(":")[2] for line in info.splitlines() if line.startswith("process_id:"))
    os.kill(int(pid), signal.SIGKILL)

    def is_gone() -> bool:
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        return False

    wait_until(is_gone, "it is dead")


def test_a_stream_asked_for_while_the_store_is_away_is_refused(tmp_path: Path) -> None:
    with event_server(tmp_path, f"unix://{tmp_path}/nothing.sock", "nowhere") as server:
        reader = SseReader(server.port)
        assert (reader.status, reader.headers["content-type"]) == (503, "application/problem+json")
        assert str(tmp_path) not in "".join(reader.lines)
        reader.cut()
