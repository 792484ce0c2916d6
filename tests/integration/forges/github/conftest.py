"""A GitHub of the tests' own, and a client that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

import pytest
from tests.peers.exchange import Answer, Request, refused
from tests.peers.server import Server

from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.opening import open_client
from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
Reaction = Answer | Callable[[Request], Answer]


class Peer:
    """Answers from a list per method and path, the last one again and again; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self._lock = Lock()
        self._answers: dict[tuple[str, str], list[Reaction]] = {}
        self.server = Server(self.answer)
        self.url = self.server.url

    def on(self, method: str, path: str, *answers: Reaction) -> None:
        self._answers[method, path] = list(answers)

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.asked.append(request)
            answers = self._answers.get((request.method, request.path))
            if not answers:
                return refused(404, "Not Found")
            reaction = answers.pop(0) if len(answers) > 1 else answers[0]
        return reaction(request) if callable(reaction) else reaction

    def count(self, method: str = "GET") -> int:
        return sum(request.method == method for request in self.asked)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def peer() -> Iterator[Peer]:
    running = Peer()
    yield running
    running.server.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(connection: Connection) -> Iterator[Connection]:
    """A connection for a test whose tokens have keys of their own, which belong to no town."""
    yield connection
    for key in connection.execute("KEYS", "tt:github:*"):
        connection.execute("DEL", key)


@pytest.fixture
def open_github(
    peer: Peer, clock: Clock, redis_url: str, keys: Keys, shared: Connection, tmp_path: Path
) -> Iterator[Callable[..., GitHub]]:
    """Makes clients; each is like another process."""
    opened: list[GitHub] = []

    def make(token: str = TOKEN, *, is_shared: bool = True, reserve: float = 0.1) -> GitHub:
        github = open_client(
            api_url=peer.url,
            repository=Repository(host="github.com", owner="octo", name="town"),
            environ={"GITHUB_TOKEN": token, "PATH": str(tmp_path)},
            app=None,
            connect=(lambda: connect(redis_url)) if is_shared else None,
            town=keys,
            clock=clock,
            reserve=reserve,
            pauses_secs=(0.0, 0.01),
        )
        opened.append(github)
        return github

    yield make
    for github in opened:
        github.close()


@pytest.fixture
def github(open_github: Callable[..., GitHub]) -> GitHub:
    return open_github()
