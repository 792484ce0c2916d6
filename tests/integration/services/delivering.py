"""A town with pull requests that are watched, and signed deliveries for it."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from tests.integration.store.stores import NOW, Stores, make_item

from tinytown.domain.workitem import PullState, WorkItem, WorkStatus
from tinytown.services.deliveries import Deliveries, Taken
from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys

SECRET = "s3cret"
PAGE = "https://github.com/Octo/Town"
HOME = {"html_url": PAGE, "full_name": "Octo/Town"}


def url_of(number: int) -> str:
    return f"{PAGE}/pull/{number}"


def head_of(number: int) -> str:
    return f"{number:040x}"


def pull_item(number: int, **fields: Any) -> WorkItem:
    """An item whose pull request is open at `head_of(number)`, on the branch tt/NUMBER."""
    pull = fields.pop("pull", None) or PullState(number=number, url=url_of(number), head=head_of(number), **fields)
    return make_item(f"item-{number}", key=f"#{number}", status=WorkStatus.BLOCKED, branch=f"tt/{number}", pull=pull)


def watched(town: Stores, *items: WorkItem, **fields: Any) -> str:
    """A mission that watches the pull requests of these items; its id."""
    mission_id = town.mission(*items, **fields)
    urls = [item.pull.url for item in items if item.pull is not None]
    town.commit(town.read(mission_id), watched=urls, due=None)
    town.dispatchers.leave("d1")
    return mission_id


def signals(town: Stores, mission_id: str) -> dict[str, str]:
    """What the mission is to look at, with the tokens."""
    return town.read(mission_id).signals


@contextmanager
def a_town(redis_url: str) -> Iterator[Stores]:
    """A town of its own for each example of a property."""
    connection = connect(redis_url)
    keys = Keys.of(f"t-{uuid.uuid4().hex[:12]}")
    try:
        yield Stores(connection, keys)
    finally:
        connection.execute("DEL", *connection.execute("KEYS", f"{keys.prefix}:*"))
        connection.close()


def deliveries(town: Stores) -> Deliveries:
    """What takes deliveries for the town, by the connection of the test."""

    @contextmanager
    def lend() -> Iterator[Connection]:
        yield town.connection

    return Deliveries(SECRET, town.keys, lend, lambda: NOW)


def signed(event: str, payload: dict[str, Any], delivery: str = "d-1", hook: str = "1") -> tuple[dict[str, str], bytes]:
    """Headers and body, as GitHub sends them."""
    body = msgspec.json.encode({"repository": HOME, **payload})
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-github-hook-id": hook,
        "x-hub-signature-256": signature(body),
    }, body


def signature(body: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def deliver(town: Stores, event: str, delivery: str = "d-1", **payload: Any) -> Taken:
    """Take such a delivery."""
    return deliveries(town).take(*signed(event, payload, delivery))


def reviewed(number: int) -> dict[str, Any]:
    return {"action": "submitted", "pull_request": {"number": number}}
