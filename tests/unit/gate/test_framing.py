"""How the head of a request may look."""

from __future__ import annotations

import pytest
from tests.asgi import HOST, answering, ask

from tinytown.gate.framing import HEAD_LIMIT_BYTES, Framing

APP = Framing(answering())
CLOSE = "close"


def test_a_usual_head_passes() -> None:
    assert ask(APP, "POST", headers={**HOST, "content-length": "4"}, body=[b"body"]).status == 200
    assert ask(APP, "POST", headers={**HOST, "transfer-encoding": "chunked"}, body=[b"body"]).status == 200


def test_a_body_whose_end_is_told_in_two_ways_is_refused_for_who_is_on_the_way_may_see_another_end() -> None:
    answered = ask(APP, "POST", headers={**HOST, "content-length": "4", "transfer-encoding": "chunked"})

    assert (answered.status, answered.problem, answered.headers["connection"]) == (400, "bad-request", CLOSE)


@pytest.mark.parametrize("where", ["header", "query", "path"])
def test_a_head_that_came_at_once_is_measured_too(where: str) -> None:
    long = "a" * HEAD_LIMIT_BYTES
    match where:
        case "header":
            answered = ask(APP, headers={**HOST, "x-long": long})
        case "query":
            answered = ask(APP, query_string=long.encode())
        case _:
            answered = ask(APP, path=f"/{long}")

    assert (answered.status, answered.problem, answered.headers["connection"]) == (431, "headers-too-large", CLOSE)


def test_a_head_may_be_as_large_as_is_said() -> None:
    used = len("GET / HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nx-long: \r\n\r\n")

    assert ask(APP, headers={**HOST, "x-long": "a" * (HEAD_LIMIT_BYTES - used)}).status == 200
    assert ask(APP, headers={**HOST, "x-long": "a" * (HEAD_LIMIT_BYTES - used + 1)}).status == 431
