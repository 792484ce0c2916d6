"""The receiver of webhooks over real HTTP: what it takes, what it refuses, and whom it does not wait for."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

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
from tests.integration.store.stores import NOW, Stores
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import branch_with
from tests.waiting import wait_until

from tinytown.cli.receiver import Bounds, Receiver, Take
from tinytown.domain.errors import ConfigError, StoreUnavailableError
from tinytown.domain.workitem import PullState
from tinytown.repository.git import Git
from tinytown.services.deliveries import LIMIT_BYTES, Deliveries, Taken
from tinytown.store.connection import Connection, connect
from tinytown.store.keys import Keys
from tinytown.store.pool import ConnectionPool

PATH = "/webhook"


@pytest.fixture
def town(connection: Connection, keys: Keys) -> Stores:
    return Stores(connection, keys)


@pytest.fixture
def take(redis_url: str, keys: Keys, connection: Connection) -> Iterator[Take]:
    with closing(ConnectionPool(lambda: connect(redis_url))) as pool:
        yield Deliveries(SECRET, keys, pool.lend, lambda: NOW).take


@contextmanager
def receiving(take: Take, bounds: Bounds = Bounds()) -> Iterator[Receiver]:  # noqa: B008  frozen
    with Receiver("127.0.0.1", 0, PATH, take, bounds).running() as receiver:
        yield receiver


@pytest.fixture
def receiver(take: Take) -> Iterator[Receiver]:
    with receiving(take) as running:
        yield running


def ask(
    receiver: Receiver, method: str = "POST", path: str = PATH, body: bytes = b"", **headers: str
) -> tuple[int, str]:
    """Status and text of an answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", receiver.server_address[1], timeout=10)) as asked:
        asked.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = asked.getresponse()
        return reply.status, reply.read().decode().strip()


def deliver(receiver: Receiver, number: int, delivery: str = "d-1") -> tuple[int, str]:
    headers, body = signed("pull_request_review", reviewed(number), delivery)
    return ask(receiver, body=body, **headers)


def is_accepted(receiver: Receiver) -> bool:
    """Whether a delivery is taken; who is sent away may notice that by a broken connection."""
    try:
        return deliver(receiver, 1)[0] == 202
    except ConnectionError:
        return False


def raw(receiver: Receiver, *lines: str) -> socket.socket:
    """A connection on which so much was said."""
    opened = socket.create_connection(("127.0.0.1", receiver.server_address[1]), 10)
    opened.sendall("".join(f"{line}\r\n" for line in lines).encode())
    return opened


def status_of(opened: socket.socket) -> int:
    """The status of what is answered; 0 when nothing is."""
    with closing(opened):
        words = opened.makefile("rb").readline().split()
    return int(words[1]) if words else 0


def test_a_signed_delivery_is_accepted_and_what_it_is_about_is_due(receiver: Receiver, town: Stores) -> None:
    mission = watched(town, pull_item(1), pull_item(2))

    assert deliver(receiver, 2) == (202, "taken")
    assert list(signals(town, mission)) == [url_of(2)]
    assert deliver(receiver, 2) == (202, "taken before")


def test_a_delivery_of_some_megabytes_is_accepted(receiver: Receiver) -> None:
    headers, body = signed("ping", {"zen": "x" * 3_000_000})

    assert ask(receiver, body=body, **headers) == (202, "taken")


def test_many_deliveries_at_once_are_all_accepted(receiver: Receiver, town: Stores) -> None:
    mission = watched(town, *map(pull_item, range(1, 21)))
    answers: list[int] = []
    senders = [
        threading.Thread(target=lambda n=n: answers.append(deliver(receiver, n, f"d-{n}")[0])) for n in range(1, 21)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert answers == [202] * 20
    assert set(signals(town, mission)) == {url_of(n) for n in range(1, 21)}


def test_a_delivery_without_a_signature_is_refused_without_being_read(receiver: Receiver) -> None:
    length = str(20_000_000)
    opened = raw(
        receiver, f"POST {PATH} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {length}", ""
    )

    assert status_of(opened) == 401


def test_a_delivery_of_another_secret_is_refused(receiver: Receiver, town: Stores) -> None:
    mission = watched(town, pull_item(2))
    headers, body = signed("pull_request_review", reviewed(2))

    status, text = ask(receiver, body=body, **{**headers, "x-hub-signature-256": signature(body, "other")})

    assert (status, text) == (401, "the signature does not fit: the secret here is not the webhook's")
    assert signals(town, mission) == {}


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("content-type", "application/x-www-form-urlencoded", 415),
        ("x-github-event", "", 400),
        ("x-github-delivery", "", 400),
        ("x-hub-signature-256", "sha256=abc", 401),
    ],
)
def test_a_header_that_is_not_githubs_is_refused(receiver: Receiver, header: str, value: str, status: int) -> None:
    headers, body = signed("push", {"ref": "refs/heads/main"})

    assert ask(receiver, body=body, **{**headers, header: value})[0] == status


def test_a_signed_body_that_is_no_delivery_is_refused(receiver: Receiver) -> None:
    headers, _ = signed("push", {})

    status, text = ask(receiver, body=b"nonsense", **{**headers, "x-hub-signature-256": signature(b"nonsense")})

    assert (status, text) == (400, "the body is not the JSON of a GitHub delivery")


@pytest.mark.parametrize(
    ("length", "status"),
    [
        (f"Content-Length: {LIMIT_BYTES + 1}", 413),
        (f"Content-Length: {'9' * 4000}", 413),
        ("Content-Length: -1", 400),
        ("Content-Length: ten", 400),
        ("Content-Length: ²", 400),
        ("Transfer-Encoding: chunked", 411),
        ("X-Nothing: 1", 411),
    ],
)
def test_a_delivery_without_a_sensible_length_is_refused(receiver: Receiver, length: str, status: int) -> None:
    assert status_of(raw(receiver, f"POST {PATH} HTTP/1.1", "Host: x", length, "")) == status


def test_a_delivery_that_is_cut_short_is_refused(receiver: Receiver) -> None:
    headers, body = signed("push", {"ref": "refs/heads/main"})
    lines = (f"{name}: {value}" for name, value in headers.items())
    opened = raw(receiver, f"POST {PATH} HTTP/1.1", *lines, f"Content-Length: {len(body) + 1}", "")
    opened.sendall(body)
    opened.shutdown(socket.SHUT_WR)

    assert status_of(opened) == 400


def test_the_body_of_who_asks_before_is_asked_for(receiver: Receiver) -> None:
    headers, body = signed("ping", {})
    lines = (f"{name}: {value}" for name, value in headers.items())
    opened = raw(receiver, f"POST {PATH} HTTP/1.1", *lines, f"Content-Length: {len(body)}", "Expect: 100-continue", "")
    with closing(opened), opened.makefile("rb") as answer:
        assert answer.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert answer.readline() == b"\r\n"
        opened.sendall(body)
        assert answer.readline() == b"HTTP/1.1 202 Accepted\r\n"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(receiver: Receiver, method: str) -> None:
    assert ask(receiver, method)[0] == 405


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_other_paths_are_not_there(receiver: Receiver, method: str) -> None:
    assert ask(receiver, method, "/webhooks")[0] == 404
    assert ask(receiver, method, "/")[0] == 404


@pytest.mark.parametrize("line", ["nonsense", f"BREW {PATH} HTTP/1.1", f"POST {PATH} HTTP/9.9", "x" * 70_000])
def test_what_is_not_http_is_refused(receiver: Receiver, line: str) -> None:
    assert status_of(raw(receiver, line, "")) in {400, 414, 501, 505}


def test_a_store_that_is_away_is_told_without_saying_where_it_is() -> None:
    def away(_headers: object, _body: bytes) -> Taken:
        raise StoreUnavailableError("Redis at unix:/secret/place: away")

    with receiving(away) as receiver:
        assert deliver(receiver, 1) == (503, "not just now; deliver it again")


def test_a_bug_that_one_delivery_meets_is_not_the_others() -> None:
    def odd(_headers: object, _body: bytes) -> Taken:
        raise LookupError("oops")

    with receiving(odd) as receiver:
        assert deliver(receiver, 1) == (500, "a bug of the receiver")
        assert deliver(receiver, 1) == (500, "a bug of the receiver")


def test_a_sender_that_says_nothing_is_not_waited_for(take: Take) -> None:
    with receiving(take, Bounds(silent_secs=0.05)) as receiver:
        assert status_of(raw(receiver)) == 0
        headers, _ = signed("ping", {})
        lines = (f"{name}: {value}" for name, value in headers.items())
        assert status_of(raw(receiver, f"POST {PATH} HTTP/1.1", *lines, "Content-Length: 10", "")) == 408
        assert deliver(receiver, 1)[0] == 202


def test_a_sender_that_drips_is_cut_off(take: Take) -> None:
    with receiving(take, Bounds(total_secs=0.3, silent_secs=5)) as receiver:
        opened = raw(receiver, f"POST {PATH} HTTP/1.1")
        with closing(opened):
            wait_until(lambda: _is_over(opened), "the connection is cut")
        assert deliver(receiver, 1)[0] == 202


def _is_over(opened: socket.socket) -> bool:
    """Say one more byte of a header, and see whether anybody still listens."""
    try:
        opened.sendall(b"x")
        opened.settimeout(0.01)
        return opened.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_who_comes_when_too_many_are_there_is_sent_away_and_may_come_again(take: Take) -> None:
    with receiving(take, Bounds(at_once=1)) as receiver:
        first = raw(receiver, f"POST {PATH} HTTP/1.1")
        wait_until(lambda: status_of(raw(receiver)) == 503, "the second is sent away")
        first.close()
        wait_until(lambda: is_accepted(receiver), "there is room again")


def test_a_delivery_under_way_is_finished_before_the_end(receiver_in_use: Callable[[], int]) -> None:
    assert receiver_in_use() == 202


@pytest.fixture
def receiver_in_use() -> Callable[[], int]:
    """Ends the receiver while it takes a delivery; what is answered."""

    def run() -> int:
        is_taking, may_end = threading.Event(), threading.Event()
        answers: list[int] = []

        def slow(_headers: object, _body: bytes) -> Taken:
            is_taking.set()
            assert may_end.wait(10)
            return Taken(event="ping", delivery="d-1")

        with receiving(slow) as receiver:
            sender = threading.Thread(target=lambda: answers.append(deliver(receiver, 1)[0]))
            sender.start()
            assert is_taking.wait(10)
            threading.Timer(0.05, may_end.set).start()
        sender.join()
        return answers[0]

    return run


def test_a_port_that_is_taken_is_said(receiver: Receiver, take: Take) -> None:
    port = int(receiver.server_address[1])

    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1, port {port}: address already in use"):
        Receiver("127.0.0.1", port, PATH, take)


def test_an_address_that_is_not_ours_is_said(take: Take) -> None:
    with pytest.raises(ConfigError, match="see --bind and --port"):
        Receiver("192.0.2.1", 0, PATH, take)


def test_the_url_says_where_it_listens(take: Take) -> None:
    with Receiver("::1", 0, PATH, take) as receiver:
        parts = urlsplit(receiver.url)
        assert (parts.hostname, parts.port, parts.path) == ("::1", receiver.server_address[1], PATH)


def test_deliveries_of_githubs_emulation_make_the_pull_due(
    github: GitHub, checkout: Git, octo: Actor, rev: Actor, receiver: Receiver, town: Stores
) -> None:
    head = branch_with(checkout, "tt/1", {"one.txt": "1\n"})
    checkout.run("push", "--quiet", "origin", "tt/1")
    number = octo.pull("tt/1")
    pull = PullState(number=number, url=f"{github.url}/octo/town/pull/{number}", head=head)
    mission = watched(town, pull_item(1, pull=pull))
    octo.hook(receiver.url, SECRET, "*")

    def told(after: dict[str, str], why: str) -> dict[str, str]:
        wait_until(lambda: signals(town, mission) not in ({}, after), why)
        return signals(town, mission)

    check = octo.check(head)
    first = told({}, "the check began")
    octo.end_check(check, "failure")
    second = told(first, "the check ended")
    rev.review(number, "APPROVE")
    told(second, "the review")
