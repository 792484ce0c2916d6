from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from tests.repositories import isolate, make_repository

from tinytown.domain.pull import Pull, PullDraft
from tinytown.forges.local.checking import Checking
from tinytown.forges.local.checks import CheckCommand, CheckRunner
from tinytown.forges.local.forge import LocalForge
from tinytown.repository.git import Git
from tinytown.runtime.environment import is_secret
from tinytown.runtime.redaction import redact
from tinytown.store.checks import CheckStore
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.pulls import PullStore

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
ISSUE = "---\ntitle: First\nstate: open  # now\n---\nDo it.\n"


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return make_repository(tmp_path / "home", {"app.py": "one\ntwo\nthree\n", "issues/0001-first.md": ISSUE})


class LocalTown:
    """A local forge with its parts at hand."""

    def __init__(self, git: Git, connection: Connection, keys: Keys) -> None:
        self.git = git
        self.connection = connection
        self.keys = keys
        self.pulls = PullStore(connection, keys)
        self.checks = CheckStore(connection, keys)
        self.forge = self.make_forge()

    def make_forge(self, *, has_checks: bool = False, base: str | None = None, name: str = "home") -> LocalForge:
        return LocalForge(
            root=self.git.folder,
            name=name,
            pulls=self.pulls,
            checks=self.checks,
            now=lambda: NOW,
            has_checks=lambda: has_checks,
            base=base,
        )

    def runner(self, *commands: CheckCommand, secrets: tuple[str, ...] = ()) -> CheckRunner:
        masked = partial(redact, secrets=secrets)
        return CheckRunner(self.git, self.git.folder / ".tt", commands, is_hidden=is_secret, redact=masked)

    def checking(self, *commands: CheckCommand, at: datetime = NOW) -> Checking:
        return Checking(self.checks, self.runner(*commands), lambda: at)

    def open(self, branch: str = "tt/1", *, marker: str = "item-1", title: str = "First") -> Pull:
        head = self.git.find_branch(branch) or ""
        draft = PullDraft(branch=branch, base="main", head=head, title=title, body="text", marker=marker)
        return self.forge.open_pull(draft)

    def events(self) -> list[tuple[str, str]]:
        entries = self.connection.execute("XRANGE", self.keys("events"), "-", "+")
        fields = [dict(zip(flat[::2], flat[1::2], strict=True)) for _, flat in entries]
        return [(one[b"type"].decode(), one.get(b"target", b"").decode()) for one in fields]

    def watched_by(self, mission: str, url: str) -> None:
        self.connection.execute("SADD", self.keys("mission", "active"), mission)
        self.connection.execute("HSET", self.keys("mission", "targets"), url, mission)

    def signal_of(self, mission: str, url: str) -> bytes | None:
        token: bytes | None = self.connection.execute("HGET", self.keys("mission", mission, "signals"), url)
        return token

    def host(self, name: str) -> str:
        self.connection.execute("SADD", self.keys("hosts"), name)
        return name


@pytest.fixture
def town(git: Git, connection: Connection, keys: Keys) -> LocalTown:
    return LocalTown(git, connection, keys)
