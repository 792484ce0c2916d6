"""Deliveries of the tests' GitHub: signed, and one for each thing that happened (in no sure order, as GitHub's)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

import pytest
from tests.peers.actor import Actor
from tests.peers.exchange import Answer, Request
from tests.peers.github import GitHub
from tests.peers.server import Server
from tests.repositories import branch_with
from tests.waiting import wait_until

from tinytown.repository.git import Git


@pytest.fixture
def deliveries() -> Iterator[tuple[str, list[Request]]]:
    """The URL of a receiver, and what it received."""
    received: list[Request] = []

    def take(request: Request) -> Answer:
        received.append(request)
        return Answer(202)

    server = Server(take)
    yield server.url, received
    server.stop()


def push(checkout: Git, text: str) -> str:
    """A commit on tt/1, pushed; its sha."""
    sha = branch_with(checkout, "tt/1", {"one.txt": text})
    checkout.run("push", "--quiet", "origin", "tt/1")
    return sha


def test_a_hook_is_told_of_pushes_reviews_and_checks(
    github: GitHub, checkout: Git, octo: Actor, rev: Actor, deliveries: tuple[str, list[Request]]
) -> None:
    url, received = deliveries
    octo.hook(url, "s3", "pull_request", "pull_request_review", "check_run")
    push(checkout, "1\n")
    number = octo.pull("tt/1")
    head = push(checkout, "2\n")
    octo.end_check(octo.check(head), "success")
    rev.review(number, "APPROVE")
    octo.call("PUT", f"pulls/{number}/merge", {"sha": head})

    wait_until(lambda: len(received) == 6, "six deliveries")

    said = {(one.headers["x-github-event"], one.json()["action"]): one.json() for one in received}
    assert said.keys() == {
        ("pull_request", "opened"),
        ("pull_request", "synchronize"),
        ("check_run", "created"),
        ("check_run", "completed"),
        ("pull_request_review", "submitted"),
        ("pull_request", "closed"),
    }
    assert said["pull_request", "synchronize"]["after"] == head
    for one in received:
        digest = hmac.new(b"s3", one.body, hashlib.sha256).hexdigest()
        assert one.headers["x-hub-signature-256"] == f"sha256={digest}"
    assert len({one.headers["x-github-delivery"] for one in received}) == len(received)


def test_each_test_begins_with_an_empty_github(github: GitHub, octo: Actor) -> None:
    assert octo.call("GET", "hooks") == octo.call("GET", "issues") == octo.call("GET", "pulls") == []
    assert octo.issue("First") == 1
    assert github.bare.branches().keys() == {"main"}
