"""How many clients of the older protocols may be there, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
from tests.integration.mcp.stage import Stage

from tinytown.mcp.http import mcp_app

HEADERS = {"Accept": "application/json, text/event-stream", "Host": "127.0.0.1"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
PING = {"jsonrpc": "2.0", "id": 2, "method": "ping"}


def talk(stage: Stage, does: Callable[[httpx2.AsyncClient], Awaitable[None]], **limits: float) -> None:
    """Ask the application as it is behind the gate."""

    async def main() -> None:
        app = mcp_app(stage.server, **limits)  # type: ignore[arg-type]
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=HEADERS) as client,
        ):
            await does(client)

    asyncio.run(main())


def test_a_client_too_many_is_refused_until_another_leaves(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        first = await client.post("/mcp", json=INITIALIZE)
        assert (await client.post("/mcp", json=INITIALIZE)).status_code == 503
        session = {"Mcp-Session-Id": first.headers["mcp-session-id"]}
        assert (await client.delete("/mcp", headers=session)).status_code == 200
        assert (await client.post("/mcp", json=INITIALIZE)).status_code == 200

    talk(stage, ask, max_sessions=1)


def test_a_session_that_nobody_asks_anything_is_closed(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        first = await client.post("/mcp", json=INITIALIZE)
        session = {"Mcp-Session-Id": first.headers["mcp-session-id"]}
        async with asyncio.timeout(30):
            while (await client.post("/mcp", json=INITIALIZE)).status_code == 503:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.01)
        assert (await client.post("/mcp", json=PING, headers=session)).status_code == 404

    talk(stage, ask, idle_secs=0.1, max_sessions=1)


def test_nothing_else_is_served(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        nothing = await client.get("/elsewhere")
        assert (nothing.status_code, nothing.json()["type"]) == (404, "urn:tinytown:problem:unknown-path")
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.post("/health")).status_code == 405
        assert (await client.put("/mcp")).status_code == 405

    talk(stage, ask)
