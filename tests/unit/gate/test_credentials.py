"""Which key or token a request shows."""

from __future__ import annotations

import pytest

from tinytown.domain.errors import UnauthenticatedError
from tinytown.gate.credentials import LIMIT, bearer, bearer_or_key

Pairs = list[tuple[bytes, bytes]]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], None),
        ([(b"host", b"town")], None),
        ([(b"authorization", b"Bearer abc")], "abc"),
        ([(b"authorization", b"bearer   abc ")], "abc"),
        ([(b"x-api-key", b"abc")], "abc"),
        ([(b"x-api-key", b" abc ")], "abc"),
        ([(b"x-api-key", b"abc"), (b"authorization", b"Bearer abc")], "abc"),
        ([(b"x-api-key", b"abc"), (b"x-api-key", b"abc")], "abc"),
    ],
)
def test_a_key_is_in_either_header(headers: Pairs, found: str | None) -> None:
    assert bearer_or_key(headers) == found


@pytest.mark.parametrize(
    ("headers", "reason", "is_offered"),
    [
        ([(b"x-api-key", b"abc"), (b"authorization", b"Bearer abd")], "two different keys", True),
        ([(b"x-api-key", b"abc"), (b"x-api-key", b"abd")], "two different keys", True),
        ([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")], "two Authorization headers", True),
        ([(b"authorization", b"Basic YTpi")], "must be Bearer", False),
        ([(b"authorization", b"")], "must be Bearer", False),
        ([(b"authorization", b"Bearer")], "no key or token", True),
        ([(b"authorization", b"Bearer a b")], "no key or token", True),
        ([(b"authorization", b"Bearer \xc3\xa9")], "no key or token", True),
        ([(b"x-api-key", b"")], "no key or token", True),
        ([(b"x-api-key", b"a\x00b")], "no key or token", True),
        ([(b"x-api-key", b"a" * (LIMIT + 1))], "no key or token", True),
    ],
)
def test_what_is_ambiguous_or_no_key_is_refused_without_repeating_it(
    headers: Pairs, reason: str, *, is_offered: bool
) -> None:
    with pytest.raises(UnauthenticatedError, match=reason) as caught:
        bearer_or_key(headers)

    assert caught.value.is_offered == is_offered
    assert "abc" not in caught.value.message


def test_a_token_is_in_the_authorization_header_only() -> None:
    assert bearer([(b"x-api-key", b"abc")]) is None
    assert bearer([(b"x-api-key", b"abc"), (b"authorization", b"Bearer t.o.k")]) == "t.o.k"
