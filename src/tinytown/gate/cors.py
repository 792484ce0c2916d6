"""CORS: pages of the origins that the settings name may read answers. Without such a setting there is none of it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tinytown.config.townhall import TownhallSettings
from tinytown.gate.origins import is_allowed
from tinytown.gate.problems import problem

_MAY_SEND = (
    "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Mcp-Protocol-Version, Mcp-Session-Id, X-API-Key,"
    " X-Request-ID"
)
_MAY_READ = (
    "Idempotent-Replayed, Link, Location, Mcp-Session-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset,"
    " Retry-After, WWW-Authenticate, X-Request-ID"
)
_KEPT_SECS = 600


class Cors:
    """ASGI middleware. It answers preflights itself; credentials are headers that pages set, so cookies are not allowed."""

    def __init__(self, app: ASGIApp, settings: Callable[[], TownhallSettings]) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; pass the rest on and say who may read the answer."""
        allowed = self._settings().cors.allowed_origins if scope["type"] == "http" else ()
        headers = Headers(scope=scope) if allowed else Headers()
        origin = headers.get("origin")
        may_read = origin is not None and is_allowed(origin, allowed)
        if allowed and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(origin if may_read else None)(scope, receive, send)
            return

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered.add_vary_header("Origin")
                if origin is not None and may_read:
                    answered["Access-Control-Allow-Origin"] = origin
                    answered["Access-Control-Expose-Headers"] = _MAY_READ
            await send(message)

        await self._app(scope, receive, send_with_cors if allowed else send)


def _preflight(origin: str | None) -> Response:
    if origin is None:
        return problem(403, "cross-site", "pages of this origin may not ask", headers={"Vary": "Origin"})
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "Access-Control-Allow-Headers": _MAY_SEND,
        "Access-Control-Max-Age": str(_KEPT_SECS),
        "Vary": "Origin",
    }
    return Response(status_code=204, headers=headers)
