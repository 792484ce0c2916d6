"""The SDK's answers to what is no message of the protocol, in one plain line instead of a library's own words."""

from __future__ import annotations

import msgspec
from mcp_types import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PLAIN = {
    PARSE_ERROR: (PARSE_ERROR, "Parse error: the body is no JSON"),
    # of what has no id the SDK says so when it is no message at all, for which JSON-RPC has a code
    INVALID_PARAMS: (
        INVALID_REQUEST,
        "Invalid request: the body is no JSON-RPC 2.0 message (a request, a notification, a result or an error)",
    ),
}
_BAD_REQUEST = 400


class _Error(msgspec.Struct):
    code: int


class _Refusal(msgspec.Struct):
    error: _Error
    id: str | int | None = None


class PlainRefusals:
    """ASGI: rewords refusals, and passes on everything else as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        start: Message | None = None

        async def watch(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == _BAD_REQUEST:
                start = message
                return
            if start is not None:
                held, start = start, None
                if not message.get("more_body"):  # the SDK's refusals are in one piece
                    message = {**message, "body": _plain(message.get("body", b""))}
                    MutableHeaders(scope=held)["content-length"] = str(len(message["body"]))
                await send(held)
            await send(message)

        await self._app(scope, receive, watch)


def _plain(body: bytes) -> bytes:
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except msgspec.DecodeError:
        return body
    if refusal.id is not None or refusal.error.code not in _PLAIN:
        return body
    code, message = _PLAIN[refusal.error.code]
    return msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}})
