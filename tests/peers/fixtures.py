"""The fixtures of the tests' GitHub: the processes live as long as the session, what is in them as long as a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.peers.peer import Peer

from tinytown.repository.git import Git


@pytest.fixture(scope="session")
def github_peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.stop()


@pytest.fixture
def github(github_peer: Peer, tmp_path: Path) -> Iterator[GitHub]:
    """GitHub with the repository octo/town, whose main has one commit, and rev as a collaborator who may push."""
    one = github_peer.begin(tmp_path / "github")
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
