"""What GitHub is written to with: a client with a token of its own, a clone, and the parts by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.integration.forges.github_writing.writing import Clock, Writing
from tests.peers.github import GitHub
from tests.repositories import isolate

from tinytown.bootstrap import Town
from tinytown.config import load_settings
from tinytown.forges.base import Forge
from tinytown.forges.github.address import Repository
from tinytown.forges.github.closing import Closing
from tinytown.forges.github.comments import StatusComments
from tinytown.forges.github.merging import Merging
from tinytown.forges.github.opening import open_client
from tinytown.forges.github.pulls import Pulls
from tinytown.forges.github.pushing import Heads
from tinytown.forges.github.rules import Rules
from tinytown.forges.github.updating import Updating
from tinytown.repository.git import Git
from tinytown.repository.remote import Remote
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
def writing(github: GitHub, checkout: Git, clock: Clock, tmp_path: Path) -> Iterator[Writing]:
    """The parts that write to GitHub, each anew."""
    repository = Repository(host="github.com", owner="octo", name="town")
    client = open_client(
        api_url=github.url,
        repository=repository,
        environ={"GITHUB_TOKEN": "tok-octo", "PATH": str(tmp_path)},
        app=None,
        connect=None,
        town=Keys.of("writing"),
        clock=clock,
    )
    remote = Remote(checkout)
    pulls = Pulls(client, repository, sleep=lambda _secs: None)
    closing = Closing(client, repository)
    rules = Rules(client, repository, clock)
    yield Writing(
        git=checkout,
        remote=remote,
        pulls=pulls,
        heads=Heads(remote, clock),
        rules=rules,
        merging=Merging(client, repository, pulls, rules=rules, closing=closing, turn=lambda _base: nullcontext()),
        updating=Updating(remote, checkout.folder / ".tt"),
        comments=StatusComments(client, repository, lambda: "octo"),
    )
    client.close()


@pytest.fixture
def town(github: GitHub, checkout: Git, redis_url: str, keys: Keys, connection: Connection) -> Iterator[Town]:
    """A town on GitHub in the clone."""
    name = keys.prefix.removeprefix("tt:")
    forge = f'[forge]\nkind = "github"\napi_url = "{github.url}"\nrepository = "octo/town"\n'
    (checkout.folder / "tinytown.toml").write_text(f'[town]\nname = "{name}"\n{forge}')
    environ = {"REDIS_URL": redis_url, "GITHUB_TOKEN": "tok-octo", "PATH": os.environ["PATH"]}
    town = Town(load_settings(checkout.folder, environ=environ), environ)
    yield town
    town.github.close()
    for key in connection.execute("KEYS", "tt:github:*"):
        connection.execute("DEL", key)


@pytest.fixture
def forge(town: Town) -> Forge:
    return town.forge
