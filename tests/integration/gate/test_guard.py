"""The whole gate, in its order, over a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs
from tests.asgi import HOST, answering, ask

from tinytown.config.townhall import AuthSettings, RateLimitSettings, TownhallSettings
from tinytown.gate.guard import Gate, guarded
from tinytown.gate.rates import RateKeeper
from tinytown.services.audit import REFUSALS, Audit
from tinytown.store.connection import Connection
from tinytown.store.events import EventStream
from tinytown.store.keys import Keys
from tinytown.store.rates import RateStore

OIDC_WITHOUT_ISSUER = AuthSettings(mode="oidc")


class Guarded:
    """An application behind the gate."""

    def __init__(self, folder: Path, connection: Connection, keys: Keys) -> None:
        self._folder = folder
        self._connection = connection
        self.keys = keys
        self.settings = TownhallSettings(max_body_bytes=10, request_timeout_ms=50)

    def app(self, inner: ASGIApp) -> ASGIApp:
        gate = Gate(
            settings=lambda: self.settings,
            bound="127.0.0.1",
            keeper=RateKeeper(self._rates),
            audit=Audit(self._folder, self._lend, self.keys, lambda text: text),
            clock=lambda: datetime.now(UTC),
            stopping=asyncio.Event(),
            audited_by_themselves=frozenset({"/mcp"}),
        )
        return guarded(inner, gate)

    def audit(self) -> list[dict[str, Any]]:
        file = self._folder / "audit.log"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def events(self) -> list[str]:
        return [event.text for event in EventStream(self._connection, self.keys, "0-0").wait(0)]

    @contextmanager
    def _lend(self) -> Iterator[Connection]:
        yield self._connection

    @contextmanager
    def _rates(self) -> Iterator[RateStore]:
        yield RateStore(self._connection, self.keys)


@pytest.fixture
def gate(tmp_path: Path, connection: Connection, keys: Keys) -> Guarded:
    return Guarded(tmp_path, connection, keys)


async def broken(_: Scope, __: Receive, ___: Send) -> None:
    raise ZeroDivisionError


async def waiting(_: Scope, __: Receive, ___: Send) -> None:
    await asyncio.Event().wait()


def test_each_refusal_is_a_problem_document_with_the_requests_id(gate: Guarded) -> None:
    done, slow, bug = gate.app(answering()), gate.app(waiting), gate.app(broken)
    with capture_logs():
        refused = {
            "bad-request": ask(done, "POST", headers={**HOST, "content-length": "4", "transfer-encoding": "chunked"}),
            "wrong-host": ask(done, headers={"host": "rebound.example"}),
            "cross-site": ask(done, "POST", headers={**HOST, "origin": "null"}),
            "too-large": ask(done, "POST", headers={**HOST, "content-length": "11"}),
            "too-slow": ask(slow),
            "internal": ask(bug),
            "unauthenticated": ask(done, client=("192.0.2.7", 1)),
        }

    assert {name: one.problem for name, one in refused.items()} == {name: name for name in refused}
    assert [one.status for one in refused.values()] == [400, 421, 403, 413, 504, 500, 401]
    for one in refused.values():
        assert one.json()["request_id"] == one.headers["x-request-id"]
        assert one.headers["cache-control"] == "no-store"


def test_who_is_not_let_in_does_not_reach_the_application(gate: Guarded) -> None:
    seen: list[Scope] = []
    gate.settings = TownhallSettings(auth=OIDC_WITHOUT_ISSUER)

    with capture_logs():
        answered = ask(gate.app(answering(look=seen.append)))

    assert answered.status == 503
    assert seen == []


def test_the_address_is_counted_before_anybody_is_asked_who_they_are(gate: Guarded) -> None:
    gate.settings = TownhallSettings(
        auth=OIDC_WITHOUT_ISSUER, rate_limit=RateLimitSettings(per_address=1, per_principal=0, burst=1)
    )
    app = gate.app(answering())

    with capture_logs():
        assert [ask(app).status for _ in range(2)] == [503, 429]

    assert [(line["what"], line.get("target"), line["result"]) for line in gate.audit()] == [("GET /", None, "429")]


def test_a_change_is_audited_with_what_came_of_it(gate: Guarded) -> None:
    headers = {**HOST, "x-request-id": "mine"}

    ask(gate.app(answering(201)), "POST", "/v1/things", headers)

    (line,) = gate.audit()
    assert (line["who"], line["what"], line["result"]) == ("operator", "POST /v1/things", "201")
    assert (line["request_id"], line["address"]) == ("mine", "127.0.0.1")
    assert gate.events() == ["operator: POST /v1/things: 201"]


def test_looking_is_not_audited(gate: Guarded) -> None:
    app = gate.app(answering())

    for method in ("GET", "HEAD", "OPTIONS"):
        ask(app, method, "/v1/things")

    assert gate.audit() == []


def test_what_changed_nothing_is_in_the_file_only_and_what_broke_half_way_in_both(gate: Guarded) -> None:
    with capture_logs():
        ask(gate.app(answering(409)), "POST", "/v1/things")
        ask(gate.app(broken), "DELETE", "/v1/things")
        ask(gate.app(waiting), "PATCH", "/v1/things")

    assert [line["result"] for line in gate.audit()] == ["409", "500", "504"]
    assert gate.events() == ["operator: DELETE /v1/things: 500", "operator: PATCH /v1/things: 504"]


def test_what_fails_before_anybody_is_let_in_is_no_change(gate: Guarded) -> None:
    gate.settings = TownhallSettings(auth=OIDC_WITHOUT_ISSUER)

    app = gate.app(answering())

    with capture_logs():
        answers = [ask(app, "POST", "/v1/things") for _ in range(REFUSALS + 5)]

    assert {one.status for one in answers} == {503}
    assert gate.events() == []
    assert len(gate.audit()) == REFUSALS


def test_a_delivery_that_nobody_has_verified_is_a_change_only_when_it_is_taken(gate: Guarded) -> None:
    with capture_logs():
        ask(gate.app(waiting), "POST", "/v1/webhooks/github")
        ask(gate.app(answering(202)), "POST", "/v1/webhooks/github")

    assert [line["result"] for line in gate.audit()] == ["504", "202"]
    assert gate.events() == ["nobody: POST /v1/webhooks/github: 202"]


def test_looking_by_post_is_not_audited_unless_it_is_refused(gate: Guarded) -> None:
    ask(gate.app(answering()), "POST", "/v1/agents/backend/inbox")
    assert gate.audit() == []

    ask(gate.app(answering(403)), "POST", "/v1/agents/backend/inbox")
    ask(gate.app(answering()), "POST", "/v1/agents/backend/inbox/more")
    assert [line["result"] for line in gate.audit()] == ["403", "200"]


def test_a_face_that_tells_of_changes_itself_is_audited_for_what_the_gate_refuses_only(gate: Guarded) -> None:
    app = gate.app(answering())

    ask(app, "POST", "/mcp")
    ask(app, "POST", "/mcp", headers={**HOST, "origin": "null"})

    assert [line["result"] for line in gate.audit()] == ["403"]


def test_every_request_is_one_line_of_the_log_whatever_became_of_it(gate: Guarded) -> None:
    with capture_logs() as logged:
        ask(gate.app(answering()), "GET", "/a")
        ask(gate.app(answering()), "GET", "/b", headers={"host": "rebound.example"})
        ask(gate.app(broken), "GET", "/c")

    lines = [(line["path"], line["status"]) for line in logged if line.get("action") == "request"]
    assert lines == [("/a", 200), ("/b", 421), ("/c", 500)]
