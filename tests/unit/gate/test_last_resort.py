"""What becomes of a bug, and what is logged of a request."""

from __future__ import annotations

import pytest
import structlog
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from tests.asgi import HOST, answering, ask

from tinytown.domain.access import OPERATOR
from tinytown.gate.access_log import AccessLog
from tinytown.gate.last_resort import LastResort


async def broken(_: Scope, __: Receive, ___: Send) -> None:
    raise ValueError("the secret of /home/somebody")


async def broken_half_way(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise ValueError("too late")


def test_a_bug_is_answered_without_a_word_of_it_and_logged_with_its_trace() -> None:
    with capture_logs() as logged:
        answered = ask(LastResort(broken))

    assert (answered.status, answered.problem) == (500, "internal")
    assert b"secret" not in answered.body
    assert b"home" not in answered.body
    assert [type(line["exc_info"]) for line in logged] == [ValueError]


def test_a_bug_in_the_middle_of_an_answer_leaves_it_incomplete() -> None:
    with capture_logs() as logged:
        answered = ask(LastResort(broken_half_way))

    assert (answered.status, answered.is_complete) == (200, False)
    assert len(logged) == 1


def test_a_request_is_one_line_without_query_headers_and_body() -> None:
    app = AccessLog(answering(201, b"12345", look=lambda scope: scope["state"].update(principal=OPERATOR)))

    with capture_logs() as logged:
        headers = {**HOST, "authorization": "Bearer tt_secret"}
        ask(app, "POST", "/v1/missions", headers, body=[b"secret"], query_string=b"token=secret")

    (line,) = logged
    assert (line["method"], line["path"], line["status"], line["bytes"]) == ("POST", "/v1/missions", 201, 5)
    assert (line["principal"], line["address"], line["log_level"]) == ("operator", "127.0.0.1", "info")
    assert line["ms"] >= 0
    assert "secret" not in str(line)


def test_a_long_path_is_cut_off() -> None:
    with capture_logs() as logged:
        ask(AccessLog(answering()), path="/" + "a" * 1000)

    assert len(logged[0]["path"]) == 301


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_are_quiet(path: str) -> None:
    with capture_logs() as logged:
        ask(AccessLog(answering()), path=path)

    assert [line["log_level"] for line in logged] == ["debug"]


def test_a_request_without_an_answer_is_logged_too() -> None:
    with capture_logs() as logged, pytest.raises(ValueError, match="secret"):
        ask(AccessLog(broken))

    assert logged[0]["status"] == 0
    assert structlog.contextvars.get_contextvars() == {}
