"""What a refusal tells a client's software: the challenge of RFC 6750, and when to try again."""

from __future__ import annotations

import pytest

from tinytown.domain.errors import MissingScopeError, TinytownError, UnauthenticatedError, UnavailableError
from tinytown.gate.problems import of_error


@pytest.mark.parametrize(
    ("error", "status", "header", "value"),
    [
        (UnauthenticatedError("give a key"), 401, "WWW-Authenticate", 'Bearer realm="tinytown"'),
        (
            UnauthenticatedError('the key "x" is \\ wrong é', is_offered=True),
            401,
            "WWW-Authenticate",
            'Bearer realm="tinytown", error="invalid_token", error_description="the key \'x\' is \' wrong ?"',
        ),
        (
            MissingScopeError("town.read", "admin"),
            403,
            "WWW-Authenticate",
            'Bearer realm="tinytown", error="insufficient_scope", scope="town.read admin"',
        ),
        (UnavailableError("later", retry_after_secs=7), 503, "Retry-After", "7"),
    ],
)
def test_a_refusal_says_in_its_headers_what_to_do(error: TinytownError, status: int, header: str, value: str) -> None:
    answer = of_error(error)

    assert answer.status_code == status
    assert answer.headers[header] == value


def test_a_missing_scope_is_named() -> None:
    error = MissingScopeError("town.write")

    assert error.message == "this needs the scope town.write; use a key or token that has it"
    assert error.slug == "missing-scope"
    assert "www-authenticate" in of_error(error).headers


def test_other_errors_have_no_such_headers() -> None:
    headers = of_error(UnavailableError("away")).headers

    assert "www-authenticate" not in headers
    assert "retry-after" not in headers
