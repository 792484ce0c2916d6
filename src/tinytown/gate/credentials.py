"""What a request shows to be let in: the key or token in its headers."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from tinytown.domain.errors import UnauthenticatedError

LIMIT = 16_384
"""Characters of a key or token; tokens with many groups in them have some thousand."""

_TOKEN_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")
"""Of RFC 6750, 2.1."""


def bearer(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """What `Authorization: Bearer …` holds; None when there is no such header.

    Args:
        headers: names in lower case, as ASGI has them.

    Raises:
        UnauthenticatedError: it is of another scheme, there are two, or it cannot be a token.
    """
    values = [value for name, value in headers if name == b"authorization"]
    if not values:
        return None
    if len(values) > 1:
        raise UnauthenticatedError("there are two Authorization headers; send one", is_offered=True)
    scheme, _, text = values[0].strip().partition(b" ")
    if scheme.lower() != b"bearer":
        raise UnauthenticatedError("the scheme of the Authorization header must be Bearer")
    return _checked(text.strip(), "Authorization")


def bearer_or_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """What `Authorization: Bearer …` or `X-API-Key` holds; None when there is neither.

    Raises:
        UnauthenticatedError: they differ, or one of them cannot be a key.
    """
    pairs = tuple(headers)
    found = [_checked(value.strip(), "X-API-Key") for name, value in pairs if name == b"x-api-key"]
    if (token := bearer(pairs)) is not None:
        found.append(token)
    if not all(hmac.compare_digest(found[0], other) for other in found[1:]):
        raise UnauthenticatedError("the request has two different keys; send one", is_offered=True)
    return found[0] if found else None


def _checked(value: bytes, header: str) -> str:
    text = value.decode("latin-1")
    if not text or len(text) > LIMIT or not _TOKEN_CHARS.issuperset(text):
        raise UnauthenticatedError(f"what the header {header} holds is no key or token", is_offered=True)
    return text
