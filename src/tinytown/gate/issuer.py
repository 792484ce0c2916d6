"""Reading an OpenID Connect issuer's documents over HTTP: where its keys are, and the keys."""

from __future__ import annotations

import ipaddress
import time
from ssl import create_default_context
from urllib.parse import urlsplit

import httpx2
import msgspec

from tinytown.config.townhall import OidcSettings
from tinytown.domain.errors import UnavailableError
from tinytown.gate.jwks import IssuerKey, read_keys

TIMEOUT_SECS = 3.0
"""How long the issuer may be silent."""
TOTAL_SECS = 6.0
"""How long one document may take."""
MAX_BYTES = 512 * 1024


class _Discovery(msgspec.Struct, frozen=True):
    issuer: str
    jwks_uri: str


def fetch_keys(settings: OidcSettings) -> tuple[IssuerKey, ...]:
    """The issuer's keys as they are now; blocks while it is asked.

    Raises:
        UnavailableError: they cannot be had.
    """
    url = settings.jwks_url or _keys_url(settings.issuer or "")
    return read_keys(_fetch(url))


def is_safe_url(url: str) -> bool:
    """Whether nobody on the way can change what is read there: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if not parts.hostname or port == 0 or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _keys_url(issuer: str) -> str:
    """What the discovery document says (OpenID Connect Discovery 1.0, 4)."""
    document = _fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    try:
        found = msgspec.json.decode(document, type=_Discovery)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnavailableError("the issuer's discovery document is not valid; set jwks_url") from error
    if found.issuer != issuer:
        raise UnavailableError("the issuer's discovery document is about another issuer; see [townhall.auth.oidc]")
    if not is_safe_url(found.jwks_uri):
        raise UnavailableError("the issuer's discovery document names no https address of its keys; set jwks_url")
    return found.jwks_uri


def _fetch(url: str) -> bytes:
    deadline = time.monotonic() + TOTAL_SECS
    is_encrypted = url.startswith("https:")
    verify = create_default_context() if is_encrypted else False
    headers = {"Accept": "application/json"}
    try:
        # No redirect is followed: where keys come from is what the settings or the issuer said, and nothing else.
        with (
            httpx2.Client(
                verify=verify,
                timeout=TIMEOUT_SECS,
                follow_redirects=False,
                trust_env=is_encrypted,  # what is on this machine is asked without a proxy in between
            ) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code != httpx2.codes.OK:
                raise UnavailableError(f"the issuer answered with {response.status_code}; see [townhall.auth.oidc]")
            return _read(response, deadline)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise UnavailableError(f"the issuer cannot be reached ({type(error).__name__})") from error


def _read(response: httpx2.Response, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise UnavailableError("the issuer's document is too large")
        if time.monotonic() > deadline:
            raise UnavailableError("the issuer takes too long")
    return bytes(body)
