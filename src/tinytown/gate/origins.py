"""Protection against cross-site requests: browsers say whose page asks, and only known pages may."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tinytown.config.townhall import TownhallSettings
from tinytown.gate.asking import SAFE_METHODS
from tinytown.gate.problems import problem

_PORTS = {"http": 80, "https": 443}


class Origins:
    """ASGI middleware. A request of a page of another origin is refused with 403; what is no browser says no origin."""

    def __init__(self, app: ASGIApp, settings: Callable[[], TownhallSettings]) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] == "http" and not self._may_pass(scope):
            detail = "pages of another origin may not ask; list theirs in allowed_origins under [townhall.cors]"
            await problem(403, "cross-site", detail)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if origins := headers.getlist("origin"):
            ours = normal(f"{scope['scheme']}://{headers.get('host', '')}")
            allowed = self._settings().cors.allowed_origins
            return all(normal(origin) == ours != "" or is_allowed(origin, allowed) for origin in origins)
        return scope["method"] in SAFE_METHODS or headers.get("sec-fetch-site") not in {"cross-site", "same-site"}


def is_allowed(origin: str, allowed: tuple[str, ...]) -> bool:
    """Whether pages of that origin may ask."""
    found = normal(origin)
    return found != "" and found in map(normal, allowed)


def normal(origin: str) -> str:
    """The origin in one form: lower case, with its port; empty when it is none, as `null` is not."""
    try:
        parts = urlsplit(origin.strip().lower())
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return ""
    is_origin = (
        bool(parts.hostname) and port is not None and not (parts.path.strip("/") or parts.query or parts.fragment)
    )
    return f"{parts.scheme}://{parts.hostname}:{port}" if is_origin and "@" not in parts.netloc else ""
