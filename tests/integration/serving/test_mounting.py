"""Several applications in one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message
from tests.asgi import ask

from tinytown.serving.mounting import mounted


def app(name: str, path: str, lives: list[str]) -> Starlette:
    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse(name)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        lives.append(f"{name} begins")
        yield
        lives.append(f"{name} ends")

    return Starlette(routes=[Route(path, answer)], lifespan=lifespan)


def test_each_path_has_its_application() -> None:
    both = mounted(app("rest", "/{rest:path}", []), {"/mcp": app("mcp", "/mcp", [])})

    assert [ask(both, path=path).body for path in ("/", "/mcp", "/mcpx", "/v1/mcp")] == [
        b"rest",
        b"mcp",
        b"rest",
        b"rest",
    ]
    assert ask(both, path="/mcp/nothing").status == 404


def test_all_begin_and_end_with_the_server() -> None:
    lives: list[str] = []
    both = mounted(app("rest", "/", lives), {"/mcp": app("mcp", "/mcp", lives)})
    asked: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    told: list[str] = []

    async def receive() -> Message:
        return asked.pop(0)

    async def send(message: Message) -> None:
        told.append(message["type"])

    async def live() -> None:
        await both({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    asyncio.run(live())

    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert lives == ["rest begins", "mcp begins", "mcp ends", "rest ends"]
