"""ASGI applications asked without a server: one request, and everything that was answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = {"host": "127.0.0.1:8080"}


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    """0: nothing."""
    headers: Mapping[str, str]
    body: bytes
    is_complete: bool

    @property
    def problem(self) -> str:
        """The slug of the problem document that it is; empty when it is none."""
        is_one = self.headers.get("content-type") == "application/problem+json"
        return str(self.json()["type"]).removeprefix("urn:tinytown:problem:") if is_one else ""

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


def scope_of(
    method: str, path: str, headers: Mapping[str, str], raw_headers: Iterable[tuple[bytes, bytes]] = (), **more: Any
) -> Scope:
    """The scope of a request as a server on the loopback address makes it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [*((name.lower().encode(), value.encode()) for name, value in headers.items()), *raw_headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8080),
        "state": {},
        **more,
    }


async def asked(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    body: Iterable[bytes] = (),
    **more: Any,
) -> Answered:
    """Ask once.

    Args:
        app: what is asked.
        method: of the request.
        path: without a query.
        headers: instead of a right Host.
        body: in chunks.
        more: of the scope.
    """
    chunks = [*body]
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks)}
        for index, chunk in enumerate((*chunks, b""))
    ]
    got: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        got.append(message)

    await app(scope_of(method, path, HOST if headers is None else headers, **more), receive, send)
    return _answered(got)


def ask(app: ASGIApp, *args: Any, **kwargs: Any) -> Answered:
    """`asked`, from outside of a loop."""
    return asyncio.run(asked(app, *args, **kwargs))


def _answered(got: list[Message]) -> Answered:
    starts = [message for message in got if message["type"] == "http.response.start"]
    bodies = [message for message in got if message["type"] == "http.response.body"]
    assert len(starts) <= 1
    return Answered(
        status=starts[0]["status"] if starts else 0,
        headers={name.decode().lower(): value.decode() for name, value in starts[0]["headers"]} if starts else {},
        body=b"".join(message.get("body", b"") for message in bodies),
        is_complete=bool(bodies) and not bodies[-1].get("more_body", False),
    )


def answering(
    status: int = 200,
    body: bytes = b"done",
    headers: Mapping[str, str] | None = None,
    look: Callable[[Scope], None] = lambda _: None,
) -> ASGIApp:
    """An application that reads the body and answers so.

    Args:
        status: of the answer.
        body: of the answer.
        headers: of the answer.
        look: is shown each request's scope.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        look(scope)
        while (await receive()).get("more_body", False):
            pass
        raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    return app
