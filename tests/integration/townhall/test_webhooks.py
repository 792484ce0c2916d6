from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.integration.services.delivering import (
    SECRET,
    pull_item,
    reviewed,
    signals,
    signature,
    signed,
    url_of,
    watched,
)
from tests.integration.store.stores import Stores
from tests.integration.townhall.served import GONE_RIGHTS, RIGHTS, Served, problem, serving
from tests.waiting import wait_until

from tinytown.services.deliveries import LIMIT_BYTES
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.townhall.routes import webhooks
from tinytown.townhall.routes.webhooks import LARGE_BYTES, Room

PATH = "/v1/webhooks/github"
GITHUB = 'kind = "github"\nrepository = "octo/town"\n'


@contextmanager
def a_town(root: Path, redis_url: str, stores: Stores, forge: str) -> Iterator[Served]:
    """A town that is served, with that table [forge]."""
    root.mkdir()
    name = stores.keys.prefix.removeprefix("tt:")
    text = f'[town]\nname = "{name}"\n[redis]\nurl = "{redis_url}"\n[forge]\n{forge}\n'
    (root / "tinytown.toml").write_text(text, encoding="utf-8")
    (root / "secret.txt").write_text(SECRET, encoding="utf-8")
    with serving(root, {"PATH": os.environ["PATH"], "HOME": str(root)}, stores) as town:
        yield town


@pytest.fixture
def on_github(connection: Connection, keys: Keys, redis_url: str, tmp_path: Path) -> Iterator[Served]:
    """A town on GitHub with a webhook's secret."""
    with a_town(
        tmp_path / "t", redis_url, Stores(connection, keys), f'{GITHUB}webhook_secret_file = "secret.txt"'
    ) as town:
        yield town


def deliver(served: Served, **headers: str) -> httpx2.Response:
    own, body = signed("pull_request_review", reviewed(1))
    return served.client.post(PATH, content=body, headers={**own, RIGHTS: GONE_RIGHTS, **headers})


def test_delivery_makes_its_mission_look_at_once(on_github: Served) -> None:
    made = watched(on_github.stores, pull_item(1), pull_item(2))
    answer = deliver(on_github)
    assert answer.status_code == 202, answer.text
    assert answer.json() == {
        "event": "pull_request_review",
        "delivery": "d-1",
        "signalled": 1,
        "is_repeated": False,
    }
    assert set(signals(on_github.stores, made)) == {url_of(1)}


def test_delivery_that_comes_again_is_recognised(on_github: Served) -> None:
    watched(on_github.stores, pull_item(1))
    deliver(on_github)
    again = deliver(on_github)
    assert (again.status_code, again.json()["is_repeated"], again.json()["signalled"]) == (202, True, 0)


def test_signature_of_another_secret_is_401_and_changes_nothing(on_github: Served) -> None:
    made = watched(on_github.stores, pull_item(1))
    _, body = signed("pull_request_review", reviewed(1))
    answer = deliver(on_github, **{"x-hub-signature-256": signature(body, "another")})
    problem(answer, 401, "unauthenticated")
    problem(on_github.client.post(PATH, json={}), 401, "unauthenticated")
    assert signals(on_github.stores, made) == {}


def test_delivery_of_another_media_type_is_415(on_github: Served) -> None:
    answer = deliver(on_github, **{"content-type": "application/x-www-form-urlencoded"})
    problem(answer, 415, "unsupported-media")


def test_secret_is_read_anew_with_each_delivery(on_github: Served) -> None:
    (on_github.root / "secret.txt").write_text("another", encoding="utf-8")
    problem(deliver(on_github), 401, "unauthenticated")
    (on_github.root / "secret.txt").write_text(SECRET, encoding="utf-8")
    assert deliver(on_github).status_code == 202


def test_town_without_a_secret_is_409(connection: Connection, keys: Keys, redis_url: str, tmp_path: Path) -> None:
    with a_town(tmp_path / "t", redis_url, Stores(connection, keys), GITHUB) as town:
        assert "TINYTOWN_WEBHOOK_SECRET" in problem(deliver(town), 409, "conflict")["detail"]


def test_town_that_is_its_own_forge_takes_no_deliveries(served: Served) -> None:
    problem(deliver(served), 404, "not-found")


@pytest.mark.parametrize("size", [LARGE_BYTES + 1, 2 * 1024 * 1024])
def test_large_deliveries_are_taken(on_github: Served, size: int) -> None:
    watched(on_github.stores, pull_item(1))
    payload: dict[str, Any] = {**reviewed(1), "filling": "x" * size}
    own, body = signed("pull_request_review", payload)
    assert on_github.client.post(PATH, content=body, headers=own).status_code == 202


def test_delivery_that_does_not_end_is_413(on_github: Served) -> None:
    own, _ = signed("pull_request_review", reviewed(1))
    parts = (b"x" * 1024 * 1024 for _ in range(LIMIT_BYTES // 1024 // 1024 + 1))
    problem(on_github.client.post(PATH, content=parts, headers=own), 413, "too-large")


def begun(served: Served, announced: int, sent: int) -> socket.socket:
    """A delivery of nobody's, of which no more than so many bytes come."""
    own, _ = signed("pull_request_review", reviewed(1))
    url = served.client.base_url
    headers = "".join(f"{name}: {value}\r\n" for name, value in {**own, "content-length": str(announced)}.items())
    found = socket.create_connection((url.host, url.port), timeout=30)
    found.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode() + b"x" * sent)
    return found


def large() -> tuple[dict[str, str], bytes]:
    payload: dict[str, Any] = {**reviewed(1), "filling": "x" * (LARGE_BYTES + 1)}
    return signed("pull_request_review", payload)


def test_slow_large_deliveries_of_nobodys_keep_no_others_waiting(on_github: Served) -> None:
    own, body = large()
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(begun(on_github, LIMIT_BYTES, LARGE_BYTES + 1))
        assert on_github.client.post(PATH, content=body, headers=own, timeout=5).status_code == 202
        assert deliver(on_github).status_code == 202


@pytest.mark.parametrize("size", [100, LIMIT_BYTES])
def test_a_delivery_that_comes_too_slowly_is_408(on_github: Served, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(webhooks, "BODY_SECS", 0.1)
    with begun(on_github, size, 10) as delivery:
        answer = b""
        while part := delivery.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:tinytown:problem:body-too-slow" in answer


def test_large_deliveries_are_refused_while_there_is_no_room_and_small_ones_taken(
    on_github: Served,
) -> None:
    room = on_github.app.state.delivery_room = Room(1_000_000)
    own, body = large()
    with begun(on_github, LIMIT_BYTES, LARGE_BYTES + 999_999):
        wait_until(lambda: room.left_bytes < 100, "the room is taken")
        refused = on_github.client.post(PATH, content=body + b" " * 100, headers=own)
        problem(refused, 503, "unavailable")
        assert refused.headers["retry-after"] == "10"
        assert deliver(on_github).status_code == 202
    wait_until(lambda: room.left_bytes == 1_000_000, "it is given back")
    assert on_github.client.post(PATH, content=body, headers=own).status_code == 202
