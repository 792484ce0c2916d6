"""What every request to a real `townhall` passes."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import httpx2
import pytest
from tests.acceptance.conftest import TownCalls
from tests.townhall_process import TownhallProcess, serving, settle
from tests.waiting import wait_until


@pytest.fixture
def narrow(town: TownCalls) -> Iterator[TownhallProcess]:
    """One with tight limits."""
    settle(town.root, "townhall", "max_body_bytes = 1000", "request_timeout_ms = 500")
    with serving(town.root, town.env) as process:
        yield process


def slug(answered: httpx2.Response) -> str:
    assert answered.headers["content-type"] == "application/problem+json"
    found = answered.json()
    assert found["status"] == answered.status_code
    assert found["request_id"] == answered.headers["x-request-id"]
    return str(found["type"]).removeprefix("urn:tinytown:problem:")


def raw(townhall: TownhallProcess, sent: bytes) -> str:
    """The answer to bytes that no client would send, until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", townhall.port), timeout=30) as opened:
        opened.sendall(sent)
        got = b""
        while chunk := opened.recv(65536):
            got += chunk
    return got.decode()


def test_every_answer_has_an_id_and_is_kept_by_nobody(townhall: TownhallProcess) -> None:
    answered = townhall.client.get("/v1/town", headers={"X-Request-ID": "mine-1"})

    assert answered.headers["x-request-id"] == "mine-1"
    assert answered.headers["cache-control"] == "no-store"
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["ratelimit-limit"] == "200"
    assert "server" not in answered.headers
    assert slug(townhall.client.get("/nowhere")) == "unknown-path"


def test_the_log_has_a_line_a_request_without_what_it_asked_for(townhall: TownhallProcess) -> None:
    townhall.client.get("/v1/status?token=hunter2", headers={"X-Request-ID": "mine-1", "Cookie": "hunter3"})
    townhall.client.get("/health")
    wait_until(lambda: "mine-1" in townhall.log(), "the request is logged")

    (line,) = [line for line in townhall.log().splitlines() if "action=request" in line]
    assert "method=GET path=/v1/status status=200" in line
    assert "request_id=mine-1" in line
    assert "principal=operator address=127.0.0.1" in line
    assert "hunter" not in townhall.log()


def test_a_name_that_was_made_to_point_here_is_misdirected(townhall: TownhallProcess) -> None:
    answered = townhall.client.get("/v1/town", headers={"Host": "rebound.example"})

    assert (answered.status_code, slug(answered)) == (421, "wrong-host")


def test_a_page_of_another_site_can_change_nothing(townhall: TownhallProcess) -> None:
    answered = townhall.client.post("/v1/missions", headers={"Origin": "https://evil.example"}, json={})

    assert (answered.status_code, slug(answered)) == (403, "cross-site")


def test_a_page_of_a_listed_origin_may_read(town: TownCalls) -> None:
    settle(town.root, "townhall.cors", 'allowed_origins = ["https://board.example"]')
    with serving(town.root, town.env) as townhall:
        answered = townhall.client.get("/v1/town", headers={"Origin": "https://board.example"})
        refused = townhall.client.get("/v1/town", headers={"Origin": "https://evil.example"})

    assert answered.headers["access-control-allow-origin"] == "https://board.example"
    assert refused.status_code == 403


def test_bodies_have_a_limit_whether_they_say_their_size_or_not(narrow: TownhallProcess) -> None:
    said = narrow.client.post("/v1/missions", content=b"x" * 1001, headers={"Content-Type": "application/json"})
    assert (said.status_code, slug(said)) == (413, "too-large")

    answered = raw(
        narrow,
        b"POST /v1/tasks/assign HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + b"1f4\r\n" + b"x" * 500 + b"\r\n1f5\r\n" + b"x" * 501 + b"\r\n",
    )
    assert answered.startswith("HTTP/1.1 413 ")


def test_headers_have_a_limit(narrow: TownhallProcess) -> None:
    answered = raw(narrow, b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 40_000)

    assert answered.startswith("HTTP/1.1 431 ")
    assert "urn:tinytown:problem:headers-too-large" in answered


def test_what_is_no_request_is_refused_with_a_problem_document(narrow: TownhallProcess) -> None:
    answered = raw(narrow, b"HELLO\r\n\r\n")

    assert answered.startswith("HTTP/1.1 400 ")
    assert "content-type: application/problem+json" in answered
    assert "urn:tinytown:problem:bad-request" in answered
    assert "Traceback" not in narrow.log()


def test_a_request_that_does_not_come_to_an_end_is_answered_in_time(narrow: TownhallProcess) -> None:
    answered = raw(
        narrow,
        b"POST /v1/tasks/assign HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{",
    )

    assert answered.startswith("HTTP/1.1 504 ")
    assert "urn:tinytown:problem:too-slow" in answered


def test_requests_beyond_the_rate_are_told_when_to_come_again_and_two_servers_share_it(town: TownCalls) -> None:
    settle(town.root, "townhall.rate_limit", "per_address = 1", "burst = 3")
    with serving(town.root, town.env) as one, serving(town.root, town.env) as other:
        answered = [server.client.get("/v1/town") for server in (one, other, one, other)]

    assert [response.status_code for response in answered] == [200, 200, 200, 429]
    assert 50 < int(answered[3].headers["retry-after"]) <= 60
    assert slug(answered[3]) == "too-many-requests"


def test_changes_and_refused_attempts_are_in_the_audit(townhall: TownhallProcess, town: TownCalls) -> None:
    audit = town.root / ".tt" / "logs" / "audit.log"

    bad = {"Origin": "https://evil.example", "X-Request-ID": "bad-1"}
    assert townhall.client.post("/v1/backlog", headers=bad, json={}).status_code == 403
    good = townhall.client.post("/v1/backlog", headers={"X-Request-ID": "good-1"}, json={"description": "Sweep"})
    assert good.is_success, good.text
    wait_until(lambda: audit.exists() and "good-1" in audit.read_text("utf-8"), "both are there")

    lines = [json.loads(line) for line in audit.read_text("utf-8").splitlines()]
    assert [(line["result"], line["request_id"], line["address"]) for line in lines] == [
        ("403", "bad-1", "127.0.0.1"),
        (str(good.status_code), "good-1", "127.0.0.1"),
    ]
    assert "who" in lines[1]
    wait_until(lambda: "audit.change" in town.ok("events"), "the change is an event")
    assert audit.stat().st_mode & 0o777 == 0o600


def test_authentication_can_be_turned_on_while_it_runs(townhall: TownhallProcess, town: TownCalls) -> None:
    assert townhall.client.get("/v1/town").status_code == 200

    key = town.json("auth", "gen-key", "ci", "--write")["key"]

    answered = townhall.client.get("/v1/town")
    assert (answered.status_code, slug(answered)) == (401, "unauthenticated")
    assert townhall.client.get("/v1/town", headers={"X-API-Key": key}).status_code == 200
    assert townhall.client.get("/health").status_code == 200
