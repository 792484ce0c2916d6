"""The id of a request, and the headers of every answer."""

from __future__ import annotations

import uuid

import pytest
from starlette.types import Receive, Scope, Send
from tests.asgi import HOST, answering, ask

from tinytown.gate.answer_headers import AnswerHeaders
from tinytown.gate.problems import problem
from tinytown.gate.request_ids import RequestIds


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(409, "conflict", "no")(scope, receive, send)


def test_a_sane_id_is_taken_over() -> None:
    answered = ask(RequestIds(refusing), headers={**HOST, "x-request-id": "build-7.a_B"})

    assert answered.headers["x-request-id"] == "build-7.a_B"
    assert answered.json()["request_id"] == "build-7.a_B"


@pytest.mark.parametrize("offered", ["", "-a", "a b", "a\x1b[31m", "a" * 65, "ü", 'a"b'])
def test_any_other_is_replaced_by_a_new_one(offered: str) -> None:
    answered = ask(RequestIds(refusing), headers={**HOST, "x-request-id": offered})

    assert str(uuid.UUID(answered.headers["x-request-id"])) == answered.headers["x-request-id"]
    assert answered.json()["request_id"] == answered.headers["x-request-id"]


def test_each_request_has_its_own() -> None:
    app = RequestIds(answering())

    assert ask(app).headers["x-request-id"] != ask(app).headers["x-request-id"]


def test_answers_are_not_kept_sniffed_at_or_framed() -> None:
    headers = ask(AnswerHeaders(answering())).headers

    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_pages_load_from_here_only() -> None:
    policy = ask(AnswerHeaders(answering(headers={"Content-Type": "text/html; charset=utf-8"}))).headers[
        "content-security-policy"
    ]

    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "*" not in policy
    assert "http" not in policy


def test_what_an_answer_says_itself_stays() -> None:
    own = {"Cache-Control": "max-age=60", "Content-Security-Policy": "default-src 'self'"}

    headers = ask(AnswerHeaders(answering(headers=own))).headers

    assert headers["cache-control"] == "max-age=60"
    assert headers["content-security-policy"] == "default-src 'self'"
