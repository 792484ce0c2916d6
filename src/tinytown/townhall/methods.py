"""Methods as HTTP has them: HEAD wherever there is GET, OPTIONS everywhere, 405 with what is allowed; and bodies in JSON.

Of two paths that fit, the one with fewer parameters counts, as OpenAPI says: `/v1/agents/prune` is no agent's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from email.message import Message
from functools import cached_property

import msgspec
from fastapi.routing import RouteContext
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from tinytown.domain.errors import UnsupportedMediaError
from tinytown.gate.problems import of_error, problem

JSON = "application/json"
_ROUTED = ("route", "endpoint", "path_params")


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What is served at one path."""

    pattern: re.Pattern[str]
    rank: tuple[bool, ...]
    """Segment by segment, whether it is a parameter: what sorts first fits better."""
    bodies: dict[str, bool]
    """Methods, and whether a route of that method reads a body in JSON."""

    @property
    def allowed(self) -> str:
        """As `Allow` says it."""
        more = {"OPTIONS", *(["HEAD"] if "GET" in self.bodies else [])}
        return ", ".join(sorted({*self.bodies, *more}))


class Methods:
    """ASGI middleware before the router. What is served is asked once, with the first request."""

    def __init__(self, app: ASGIApp, routes: Callable[[], Iterable[RouteContext]]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what no route does, pass on the rest."""
        served = self._at(scope) if scope["type"] == "http" else None
        if served is None:
            await self._app(scope, receive, send)
            return
        answer = _answer(served, scope)
        if answer is not None:
            await answer(scope, receive, send)
        elif scope["method"] == "HEAD" and "HEAD" not in served.bodies:
            await self._head(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    @cached_property
    def _served(self) -> list[Served]:
        return sorted(_table(self._routes()), key=lambda one: one.rank)

    def _at(self, scope: Scope) -> Served | None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return next((one for one in self._served if one.pattern.match(path)), None)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as to GET, headers only; what would stream for long is told that nobody listens."""
        inner = {**scope, "method": "GET"}
        is_over = False

        async def send_headers(event: Event) -> None:
            nonlocal is_over
            if event["type"] == "http.response.start":
                await send(event)
            elif not is_over:
                is_over = True
                await send({"type": "http.response.body", "body": b""})
            if is_over and event.get("more_body", False):
                raise _EnoughError

        async def hear() -> Event:
            return {"type": "http.disconnect"} if is_over else await receive()

        try:
            await self._app(inner, hear, send_headers)
        except (_EnoughError, ClientDisconnect):
            if not is_over:
                raise
        finally:
            scope.update({name: inner[name] for name in _ROUTED if name in inner})


class _EnoughError(OSError):
    """Nobody reads on: the framework takes it for a client that went away."""


def _answer(served: Served, scope: Scope) -> Response | None:
    method = scope["method"]
    if method in served.bodies:
        return _bad_media(scope) if served.bodies[method] else None
    if method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": served.allowed})
    if method == "HEAD" and "GET" in served.bodies:
        return None
    detail = f"{method} is not served here; use one of {served.allowed}"
    return problem(405, "method-not-allowed", detail, headers={"Allow": served.allowed})


def _bad_media(scope: Scope) -> Response | None:
    headers = Headers(scope=scope)
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if not has_body or _is_json(headers.get("content-type", "")):
        return None
    return of_error(UnsupportedMediaError(f"send the body as {JSON} in UTF-8, and say so in Content-Type"))


def _is_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type
    return message.get_content_type() == JSON and str(message.get_content_charset("utf-8")) in {"utf-8", "utf8"}


def _table(routes: Iterable[RouteContext]) -> list[Served]:
    found: dict[str, Served] = {}
    for route in routes:
        path, methods = route.path_format, route.methods
        if path is None or not methods:
            continue
        rank = tuple("{" in segment for segment in path.split("/"))
        served = found.setdefault(path, Served(pattern=route.path_regex, rank=rank, bodies={}))
        takes_body = getattr(route, "body_field", None) is not None
        served.bodies.update(dict.fromkeys(methods, takes_body))
    return list(found.values())
