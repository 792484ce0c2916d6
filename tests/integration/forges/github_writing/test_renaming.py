"""A repository that was renamed or transferred is followed; one that took another's name is not."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator

import msgspec
import pytest
from tests.integration.forges.github_writing.writing import drafted
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import branch_with

from tinytown.bootstrap import Town
from tinytown.config import load_settings
from tinytown.domain.errors import ForgeError
from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.pull import Known, Merged
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import Verdict
from tinytown.repository.git import Git
from tinytown.services.deliveries import Deliveries
from tinytown.store.connection import Connection
from tinytown.store.inbox import Inbox
from tinytown.store.keys import Keys
from tinytown.store.pool import ConnectionPool
from tinytown.store.repositories import RepositoryStore


class Towns:
    """Towns in one clone and one store, each like another process."""

    def __init__(self, github: GitHub, checkout: Git, redis_url: str, keys: Keys) -> None:
        self._github = github
        self._checkout = checkout
        self._keys = keys
        self._environ = {"REDIS_URL": redis_url, "GITHUB_TOKEN": "tok-octo", "PATH": os.environ["PATH"]}
        self.opened: list[Town] = []

    def open(self, repository: str = "octo/village", more: str = "") -> Town:
        forge = f'kind = "github"\napi_url = "{self._github.url}"\nrepository = "{repository}"\n{more}\n'
        text = f'[town]\nname = "{self._keys.prefix.removeprefix("tt:")}"\n[forge]\n{forge}'
        (self._checkout.folder / "tinytown.toml").write_text(text)
        self.opened.append(Town(load_settings(self._checkout.folder, environ=self._environ), self._environ))
        return self.opened[-1]


@pytest.fixture
def towns(github: GitHub, checkout: Git, redis_url: str, keys: Keys, connection: Connection) -> Iterator[Towns]:
    towns = Towns(github, checkout, redis_url, keys)
    yield towns
    for town in towns.opened:
        town.github.close()
    for key in connection.execute("KEYS", "tt:github:*"):
        connection.execute("DEL", key)


def place(github: GitHub, slug: str) -> str:
    return f"{github.url.partition('://')[2]}/{slug}"


def test_work_goes_on_under_the_old_name_and_the_conductor_is_told_once(
    towns: Towns, github: GitHub, checkout: Git, octo: Actor, rev: Actor, connection: Connection, keys: Keys
) -> None:
    github.renames.old.add("octo/village")
    forge = towns.open().forge.on_behalf_of("m1")
    ref = IssueRef("octo", "village", octo.issue("Do it"))
    head = branch_with(checkout, "tt/1", {"a": "a"}, start="origin/main")
    draft = drafted(head)

    pull = forge.open_pull(draft)
    assert forge.open_pull(draft) == pull
    named = msgspec.structs.replace(draft, named_url=pull.url)
    assert forge.open_pull(named) == pull
    old_link = pull.url.replace("octo/town", "octo/village")
    known = Known(head=head, branch="tt/1", base="main")
    assert (forge.pull(old_link), forge.pull(pull.url)) == (pull, pull)
    octo.check(head, "success")
    rev.review(pull.number, "APPROVE")
    assert forge.reviews(old_link, known).verdict is Verdict.PASSED
    assert [run.name for run in forge.checks(old_link, known).runs] == ["ci"]
    branch_with(checkout, "other", {"b": "b"}, start="origin/main")
    checkout.run("push", "--quiet", "origin", "other:main")
    updated = forge.update_branch(old_link, known).head
    assert updated != head
    assert isinstance(forge.merge(old_link, updated, closes=(ref,)), Merged)
    assert octo.call("GET", f"issues/{ref.number}")["state"] == "closed"
    towns.open().forge.default_branch()

    (told,) = Inbox(connection, keys).waiting(CONDUCTOR)
    assert "octo/village is called octo/town now" in told.text
    assert "git remote set-url origin" in told.text
    assert "[forge] repository" in told.text


def test_another_repository_under_the_same_name_is_not_worked_on(
    towns: Towns, github: GitHub, octo: Actor, connection: Connection, keys: Keys
) -> None:
    town = towns.open("octo/town")
    town.forge.default_branch()
    number = int(octo.call("GET", "")["id"])
    store = RepositoryStore(connection, keys)
    assert store.known() == {place(github, "octo/town"): number}

    connection.execute("HSET", keys("forge", "repositories"), place(github, "octo/town"), 999)
    seen = github.count()
    for _ in range(2):
        with pytest.raises(ForgeError, match=f"repository_id = {number}") as caught:
            towns.open("octo/town").forge.issue(IssueRef("octo", "town", 1))
        assert "another repository" in str(caught.value)
    assert github.count() == seen + 2, "nothing else is asked of it"

    towns.open("octo/town", f"repository_id = {number}").forge.default_branch()
    towns.open("octo/town").forge.default_branch()
    assert store.known() == {place(github, "octo/town"): number}


def test_who_it_is_is_asked_rarely(towns: Towns, github: GitHub) -> None:
    forge = towns.open("octo/town").forge
    seen = github.count()
    for mission in ("m1", "m2", "m1"):
        forge.on_behalf_of(mission).default_branch()
    asked = [one.request.path for one in github.seen[seen:]]
    assert asked.count("/repos/octo/town") == 3, "once to know who it is, once for each mission's own question"


def test_deliveries_under_the_new_name_reach_what_is_watched_under_the_old_one(
    towns: Towns, github: GitHub, connection: Connection, keys: Keys, octo: Actor
) -> None:
    github.renames.old.add("octo/village")
    town = towns.open()
    town.forge.default_branch()
    number = int(octo.call("GET", "")["id"])
    old = f"{github.url}/octo/village/pull/1"
    connection.execute("SADD", keys("mission", "active"), "m1")
    connection.execute("HSET", keys("mission", "targets"), old, "m1")
    pool = ConnectionPool(town.connect)
    deliveries = Deliveries("s3cret", keys, pool.lend, town.clock)

    def delivered(repository_id: int, name: str) -> int:
        here = {"id": repository_id, "html_url": f"{github.url}/octo/{name}", "full_name": f"octo/{name}"}
        body = msgspec.json.encode({"repository": here, "pull_request": {"number": 1}, "action": "synchronize"})
        return deliveries.take(signed(body, f"d-{repository_id}-{name}"), body).signalled

    assert delivered(number, "town") == 1
    assert delivered(number + 1, "town") == 0
    assert delivered(number, "village") == 1
    pool.close()


def signed(body: bytes, delivery: str) -> dict[str, str]:
    digest = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-github-event": "pull_request",
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={digest}",
    }
