"""What the parts of the gate ask a request: who, from where, for what."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote

from starlette.types import Scope

from tinytown.domain.access import Principal

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PROBES = frozenset({"/health", "/ready"})
"""Asked by what keeps the server running: never limited, never logged above debug."""
OPEN_PATHS = PROBES | {"/v1/webhooks/github"}
"""Nobody is asked who they are: probes, and a receiver that looks at signatures."""
AGAIN = "let_in_again"
"""In the state of a request that authentication has let in: what tells whether it would do so now."""
_LOOKING = re.compile(r"/v1/agents/[^/]+/inbox")
"""Paths that the contract has read by POST too."""
_PATH_LIMIT = 300
_METHOD_LIMIT = 20


def may_change(scope: Scope) -> bool:
    """Whether the request is one that may change something."""
    return scope["method"] not in SAFE_METHODS and not (
        scope["method"] == "POST" and _LOOKING.fullmatch(scope["path"]) is not None
    )


def path_of(scope: Scope) -> str:
    """The path without the query, as it may be shown."""
    return _cut(scope["path"], _PATH_LIMIT)


def method_of(scope: Scope) -> str:
    """The method, which may be any word, as it may be shown."""
    return _cut(scope["method"], _METHOD_LIMIT)


def printable(text: str) -> str:
    """The text with everything encoded that a terminal or a reader of lines would obey."""
    return "".join(c if c.isprintable() else quote(c, errors="replace") for c in text)


def _cut(text: str, limit: int) -> str:
    return printable(text[:limit]) + ("…" if len(text) > limit else "")


def address_of(scope: Scope) -> str:
    """The address that the connection comes from. What a proxy says about others is not believed."""
    client = scope.get("client")
    return str(client[0]) if client else "local"


def network_of(address: str) -> str:
    """Who counts as one: an address of IPv4, a network of 64 bits of IPv6, of which a client has all addresses."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False).network_address) + "/64"


def principal_of(scope: Scope) -> Principal | None:
    """Who asks, once authentication has found out."""
    found = scope.get("state", {}).get("principal")
    return found if isinstance(found, Principal) else None


async def is_still_let_in(scope: Scope) -> bool:
    """Whether authentication would let in again who asks, as they are; also where nobody is asked who they are."""
    again = scope.get("state", {}).get(AGAIN)
    return again is None or bool(await again())


def name_of(scope: Scope) -> str:
    """Who asks, for logs; empty when nobody knows."""
    found = principal_of(scope)
    return found.name if found is not None else ""


def request_id_of(scope: Scope) -> str:
    """The request's id."""
    return str(scope.get("state", {}).get("request_id", ""))
