"""The fixtures of the tests' GitHub: the processes live as long as the session, what is in them as long as a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.peers.actor import Actor
from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request, refused
from tests.peers.git import Bare
from tests.peers.github import GitHub
from tests.peers.server import Server
from tests.repositories import make_repository

from tinytown.repository.git import Git


class Peer:
    """The front, the host of job logs, and emulate behind them; one test's GitHub at a time."""

    def __init__(self) -> None:
        self._github: GitHub | None = None
        self.front = Server(self._answer)
        self.logs = Server(self._log)
        self.emulate = Emulate(self.front.url)

    def begin(self, bare: Bare) -> GitHub:
        """An empty GitHub, but for the repository."""
        self.emulate.reset()
        self._github = GitHub(bare, self.emulate, self.front.url, self.logs.url)
        return self._github

    def end(self) -> None:
        """Whoever still asks is refused."""
        self._github = None
        self.front.release()

    def stop(self) -> None:
        self.front.stop()
        self.logs.stop()
        self.emulate.stop()

    def _answer(self, request: Request) -> Answer:
        return self._github.answer(request) if self._github else refused(503, "this test is over")

    def _log(self, request: Request) -> Answer:
        return self._github.jobs.log_answer(request) if self._github else refused(503, "this test is over")


@pytest.fixture(scope="session")
def github_peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.stop()


@pytest.fixture
def github(github_peer: Peer, tmp_path: Path) -> Iterator[GitHub]:
    """GitHub with the repository octo/town, whose main has one commit, and rev as a collaborator who may push."""
    bare = Bare.make(tmp_path / "github" / "town.git")
    one = github_peer.begin(bare)
    start = make_repository(tmp_path / "github" / "start")
    start.run("push", "--quiet", str(bare.folder), "main")
    one.emulate.call("PUT", f"/repos/{one.slug}/collaborators/rev", {"permission": "push"})
    yield one
    github_peer.end()
    assert one.faults == []


@pytest.fixture
def checkout(github: GitHub, tmp_path: Path) -> Git:
    """A clone, whose origin is the bare repository."""
    folder = tmp_path / "town"
    Git(tmp_path).run("clone", "--quiet", str(github.bare.folder), str(folder))
    return Git(folder)


@pytest.fixture
def actor(github: GitHub) -> Iterator[Callable[[str], Actor]]:
    """Makes somebody of the tests' GitHub: "octo" (owner), "rev" (collaborator), "bot", "stranger"."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(closing(Actor(github, name)))


@pytest.fixture
def octo(actor: Callable[[str], Actor]) -> Actor:
    """The owner of the repository, whose token the town has, too; also acts as CI."""
    return actor("octo")


@pytest.fixture
def rev(actor: Callable[[str], Actor]) -> Actor:
    """The reviewer."""
    return actor("rev")
