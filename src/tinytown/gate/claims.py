"""What a token says once its signature is known to be its issuer's (RFC 7519, RFC 9068)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tinytown.config.townhall import OidcSettings
from tinytown.domain.access import Principal, Scope
from tinytown.domain.errors import MissingScopeError, UnauthenticatedError

SUBJECT_LIMIT = 255
"""Of OpenID Connect Core, 2."""

_LATEST = 1e15
"""Beyond it nothing is a number of seconds; a number that is none is not below it either."""
_SCOPES = {scope.value: scope for scope in Scope}


def principal_of(claims: Mapping[str, object], settings: OidcSettings, now: datetime) -> Principal:
    """Whom the token stands for.

    Raises:
        UnauthenticatedError: it is from or for somebody else, or its time is over or has not come.
        MissingScopeError: it lacks a scope that everybody needs.
    """
    if claims.get("iss") != settings.issuer:
        raise _refused("is of another issuer")
    if not _is_for(claims.get("aud"), settings.audience):
        raise _refused("is made out for another audience")
    _check_times(claims, settings.clock_skew_secs, now.timestamp())
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LIMIT or not subject.isprintable():
        raise _refused("names no subject that could be shown")
    granted = _words(claims.get(settings.scopes_claim))
    if missing := [scope for scope in settings.required_scopes if scope not in granted]:
        raise MissingScopeError(*missing)
    return Principal(name=f"oidc:{subject}", scopes=frozenset(_SCOPES[word] for word in granted if word in _SCOPES))


def _is_for(audience: object, wanted: str | None) -> bool:
    named = audience if isinstance(audience, list) else [audience]
    return wanted is not None and wanted in named


def _check_times(claims: Mapping[str, object], skew_secs: int, now: float) -> None:
    expires = _time(claims, "exp")
    if expires is None:
        raise _refused("never expires")
    if expires <= now - skew_secs:
        raise _refused("has expired")
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and begins > now + skew_secs:
            raise _refused("is not valid yet")


def _time(claims: Mapping[str, object], name: str) -> float | None:
    """Seconds since 1970; None when the claim is missing."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LATEST < value < _LATEST:
        raise _refused(f"has a {name} that is no time")
    return value


def _words(value: object) -> frozenset[str]:
    """Scopes, as words of a text or as an array."""
    words = value.split(" ") if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(word for word in words if isinstance(word, str) and word)


def _refused(reason: str) -> UnauthenticatedError:
    return UnauthenticatedError(f"the token {reason}", is_offered=True)
