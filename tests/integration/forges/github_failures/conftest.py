"""A mission on the tests' GitHub, without agents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration.forges.github_failures.hub import CHECK, Hub
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import isolate

from tinytown.repository.git import Git
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)


@pytest.fixture
def hub(
    github: GitHub, checkout: Git, octo: Actor, rev: Actor, redis_url: str, keys: Keys, connection: Connection
) -> Iterator[Hub]:
    """No mission yet; main requires the check `ci`."""
    assert connection is not None  # its end sees to it that nothing is left
    github.rules.require("main", CHECK)
    made = Hub(github, checkout, (octo, rev), redis_url, keys)
    yield made
    made.close()
