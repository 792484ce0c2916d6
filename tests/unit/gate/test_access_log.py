"""What a request is called in logs and the audit."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from structlog.testing import capture_logs
from tests.asgi import answering, ask, scope_of

from tinytown.gate.access_log import AccessLog
from tinytown.gate.asking import method_of, path_of, printable


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("/v1/agents/a%20b/%C3%BC", "/v1/agents/a b/ü"),
        ("/a%1B[2J%00%0D%0Ab", "/a%1B[2J%00%0D%0Ab"),
        ("/%C2%85%E2%80%AEfdp%E2%80%A8", "/%C2%85%E2%80%AEfdp%E2%80%A8"),
        ("/" + "a" * 300, "/" + "a" * 299 + "…"),
    ],
)
def test_a_path_has_nothing_in_it_that_a_terminal_would_obey(asked: str, shown: str) -> None:
    assert path_of(scope_of("GET", unquote(asked), {})) == shown


def test_half_a_character_is_shown_somehow() -> None:
    assert printable("a\ud800b") == "a%3Fb"


def test_a_method_is_as_long_as_methods_are() -> None:
    assert method_of(scope_of("PROPFIND", "/", {})) == "PROPFIND"
    assert method_of(scope_of("A" * 30_000, "/", {})) == "A" * 20 + "…"


def test_the_line_of_a_request_has_both_as_they_are_shown() -> None:
    with capture_logs() as logs:
        ask(AccessLog(answering()), "B" * 100, "/\x1bc")

    assert [(line["method"], line["path"]) for line in logs] == [("B" * 20 + "…", "/%1Bc")]
