"""Mode `oidc`: who has a token that the issuer signed (JSON Web Tokens, checked as RFC 8725 advises)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

from tinytown.config.townhall import OidcSettings
from tinytown.domain.access import Principal
from tinytown.domain.errors import UnauthenticatedError
from tinytown.gate.claims import principal_of
from tinytown.gate.issuer_keys import IssuerKeys
from tinytown.gate.jwks import ALGORITHMS

_KINDS = frozenset({"", "jwt", "at+jwt", "application/jwt", "application/at+jwt"})
"""Of tokens that let in; not, for example, of those that announce a logout."""
_SEGMENTS = 3
_KID_LIMIT = 512


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None
    typ: str = ""
    crit: object = None
    b64: object = None


class _Registry(JWSRegistry):
    """Knows the algorithms of `ALGORITHMS` only; without joserfc's warning of the name EdDSA, which issuers still use."""

    max_header_length = 4096

    def get_alg(self, name: str) -> Any:
        """The algorithm of that name."""
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


class Oidc:
    """Recognises tokens; for any number of event loops."""

    def __init__(self, clock: Callable[[], datetime], keys: IssuerKeys | None = None) -> None:
        self._clock = clock
        self._keys = keys or IssuerKeys(clock)
        self._registry = _Registry(strict_check_header=False)

    async def recognise(self, token: str, settings: OidcSettings) -> Principal:
        """Whom that token stands for.

        Raises:
            UnauthenticatedError: nobody.
            MissingScopeError: it lacks a scope that everybody needs.
            UnavailableError: that cannot be told, as the issuer cannot be asked for its keys.
        """
        header = _header(token)
        key = await self._keys.find(settings, header.kid, header.alg)
        try:
            checked = jwt.decode(token, key, registry=self._registry)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise UnauthenticatedError("the token's signature is not its issuer's", is_offered=True) from error
        return principal_of(checked.claims, settings, self._clock())


def _header(token: str) -> _Header:
    segments = token.split(".")
    if len(segments) != _SEGMENTS or not all(segments):
        raise UnauthenticatedError("this is no signed token (JWT)", is_offered=True)
    try:
        text = base64.urlsafe_b64decode(segments[0] + "=" * (-len(segments[0]) % 4))
        header = msgspec.json.decode(text, type=_Header)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnauthenticatedError("the token's header is not valid", is_offered=True) from error
    if header.alg not in ALGORITHMS:
        raise UnauthenticatedError("the token's algorithm is not taken; sign with RS, PS, ES or EdDSA", is_offered=True)
    if header.typ.lower() not in _KINDS or header.crit is not None or header.b64 is not None:
        raise UnauthenticatedError("the token is of a kind that lets nobody in", is_offered=True)
    if header.kid is not None and len(header.kid) > _KID_LIMIT:
        raise UnauthenticatedError("the token's header is not valid", is_offered=True)
    return header
