"""What was read is kept: "not modified" costs nothing, and nothing stale is ever taken for news."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.integration.forges.github.conftest import TOKEN, Clock, Peer
from tests.peers.exchange import Answer, Request, said

from tinytown.domain.errors import ForgeUnavailableError
from tinytown.forges.github.access import token_access
from tinytown.forges.github.client import GitHub
from tinytown.store.connection import Connection
from tinytown.store.forge_quota import token_keys

R = "/repos/octo/town"
Open = Callable[..., GitHub]


class Pull(msgspec.Struct, frozen=True):
    number: int
    title: str = ""


class Titled(msgspec.Struct, frozen=True):
    title: str


class Thing:
    """Something on GitHub that changes, with a tag of its own for each token."""

    def __init__(self, peer: Peer, path: str = f"{R}/pulls/3") -> None:
        self.title = "one"
        self.statuses: list[int] = []
        peer.on("GET", path, self.answer)

    def answer(self, request: Request) -> Answer:
        tag = f'W/"{request.token}-{self.title}"'
        is_same = request.headers.get("if-none-match") == tag
        self.statuses.append(304 if is_same else 200)
        if is_same:
            return Answer(304, headers={"etag": tag})
        return said(
            {"number": 3, "title": self.title}, headers={"etag": tag, "last-modified": "Mon, 05 Jan 2026 12:00:00 GMT"}
        )


@pytest.fixture
def thing(peer: Peer) -> Thing:
    return Thing(peer)


def seen_keys(shared: Connection, clock: Clock, peer: Peer, token: str = TOKEN) -> list[bytes]:
    identity = token_access(peer.url, {"GITHUB_TOKEN": token}).credential(clock()).identity
    found: list[bytes] = shared.execute("KEYS", token_keys(identity)("seen", "*"))
    return found


def test_what_has_not_changed_is_not_sent_again(open_github: Open, thing: Thing) -> None:
    github = open_github()
    assert [github.get(f"{R}/pulls/3", Pull).title for _ in range(3)] == ["one"] * 3
    thing.title = "two"
    assert [github.get(f"{R}/pulls/3", Pull).title for _ in range(2)] == ["two"] * 2
    assert thing.statuses == [200, 304, 304, 200, 304]


def test_other_processes_use_what_one_has_read(open_github: Open, thing: Thing) -> None:
    assert [open_github().get(f"{R}/pulls/3", Pull).title for _ in range(3)] == ["one"] * 3
    assert thing.statuses == [200, 304, 304]


def test_a_tag_is_good_for_its_own_token_only(open_github: Open, peer: Peer, thing: Thing) -> None:
    open_github().get(f"{R}/pulls/3", Pull)
    open_github("ghp_another").get(f"{R}/pulls/3", Pull)
    assert "if-none-match" not in peer.asked[1].headers
    assert thing.statuses == [200, 200]


def test_time_of_modification_is_not_relied_on(open_github: Open, peer: Peer, thing: Thing) -> None:
    for _ in range(2):
        open_github().get(f"{R}/pulls/3", Pull)
    assert all("if-modified-since" not in request.headers for request in peer.asked)


def test_what_is_read_as_another_shape_is_asked_for_anew(open_github: Open, thing: Thing) -> None:
    github = open_github()
    assert github.get(f"{R}/pulls/3", Titled) == Titled("one")
    assert github.get(f"{R}/pulls/3", Pull) == Pull(3, "one")
    assert thing.statuses == [200, 200]


@pytest.mark.parametrize("damage", ["not json", '{"title": 3}', "[]", ""])
def test_damaged_answer_is_asked_for_anew(
    open_github: Open, peer: Peer, clock: Clock, shared: Connection, thing: Thing, damage: str
) -> None:
    github = open_github()
    github.get(f"{R}/pulls/3", Pull)
    (key,) = seen_keys(shared, clock, peer)
    shared.execute("HSET", key, "body", damage)
    assert github.get(f"{R}/pulls/3", Pull) == Pull(3, "one")
    assert github.get(f"{R}/pulls/3", Pull) == Pull(3, "one")
    assert thing.statuses == [200, 200, 304]


def test_lost_body_is_asked_for_anew(
    open_github: Open, peer: Peer, clock: Clock, shared: Connection, thing: Thing
) -> None:
    github = open_github()
    github.get(f"{R}/pulls/3", Pull)
    (key,) = seen_keys(shared, clock, peer)
    shared.execute("HDEL", key, "body")
    assert github.get(f"{R}/pulls/3", Pull).title == "one"
    assert thing.statuses == [200, 200]


def test_not_modified_that_nobody_asked_for_is_tried_again(open_github: Open, peer: Peer) -> None:
    peer.on("GET", R, Answer(304), said({"number": 1}))
    assert open_github().get(R, Pull).number == 1
    peer.on("GET", R, Answer(304))
    with pytest.raises(ForgeUnavailableError):
        open_github("ghp_another").get(R, Pull)


def test_answer_is_kept_for_a_day_from_its_last_use(
    open_github: Open, peer: Peer, clock: Clock, shared: Connection, thing: Thing
) -> None:
    github = open_github()
    github.get(f"{R}/pulls/3", Pull)
    (key,) = seen_keys(shared, clock, peer)
    assert 86000 < shared.execute("TTL", key) <= 86400
    shared.execute("EXPIRE", key, 100)
    github.get(f"{R}/pulls/3", Pull)
    assert 86000 < shared.execute("TTL", key) <= 86400


def test_no_token_is_in_the_store(open_github: Open, shared: Connection, thing: Thing) -> None:
    open_github().get(f"{R}/pulls/3", Titled)
    for key in shared.execute("KEYS", "tt:github:*"):
        names = shared.execute("HGETALL", key)
        assert TOKEN.encode() not in key
        # the peer's tag holds the token; what we store of our own must not
        assert [v for n, v in zip(names[::2], names[1::2], strict=True) if n != b"etag" and TOKEN.encode() in v] == []


def test_each_page_has_its_own_tag(open_github: Open, peer: Peer) -> None:
    link = f'<{peer.url}{R}/issues?page=2>; rel="next"'

    def answer(request: Request) -> Answer:
        number = int(request.query.get("page", "1"))
        if request.headers.get("if-none-match") == f'"{number}"':
            return Answer(304)
        return said([{"number": number}], headers={"etag": f'"{number}"', **({"link": link} if number == 1 else {})})

    peer.on("GET", f"{R}/issues", answer)
    for _ in range(3):
        found = open_github().pages(f"{R}/issues", list[Pull])
        assert [pull.number for page in found.pages for pull in page] == [1, 2]
    assert [r.headers.get("if-none-match") for r in peer.asked] == [None, None, '"1"', '"2"', '"1"', '"2"']


def test_what_is_too_long_is_not_kept(open_github: Open, peer: Peer, clock: Clock, shared: Connection) -> None:
    peer.on("GET", R, said({"number": 1, "title": "x" * 600_000}, headers={"etag": '"1"'}))
    open_github().get(R, Pull)
    assert seen_keys(shared, clock, peer) == []


def test_without_a_store_each_answer_is_read_whole(open_github: Open, thing: Thing) -> None:
    github = open_github(is_shared=False)
    for _ in range(2):
        github.get(f"{R}/pulls/3", Pull)
    assert thing.statuses == [200, 200]
