"""The head of a request: how large it is, and that it tells its body's end in one way."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tinytown.gate.problems import problem

HEAD_LIMIT_BYTES = 32_768
"""How large a request's line and headers may be together."""
_CLOSE = {"Connection": "close"}
_LINE = len("  HTTP/1.1\r\n") + len("\r\n")
_FIELD = len(": \r\n")


class Framing:
    """ASGI middleware. 431 for a head that is too large and came too fast for the server to see that; 400 for one that
    tells two ends of its body: whoever passed it on may have seen another request behind it (RFC 9112, 6.1).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        refusal = _refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)


def _refusal(scope: Scope) -> Response | None:
    if _head_bytes(scope) > HEAD_LIMIT_BYTES:
        detail = "the request's line and headers are too large together"
        return problem(431, "headers-too-large", detail, headers=_CLOSE)
    headers = Headers(scope=scope)
    if "content-length" in headers and "transfer-encoding" in headers:
        detail = "give Content-Length or Transfer-Encoding, not both"
        return problem(400, "bad-request", detail, headers=_CLOSE)
    return None


def _head_bytes(scope: Scope) -> int:
    query = scope.get("query_string", b"")
    line = len(scope["method"]) + len(scope.get("raw_path") or b"") + len(query) + (1 if query else 0) + _LINE
    return line + sum(len(name) + len(value) + _FIELD for name, value in scope["headers"])
