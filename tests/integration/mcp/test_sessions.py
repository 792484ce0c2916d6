"""How many clients of the older protocols may be there, and for how long."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.integration.mcp.stage import Stage

from tinytown.domain.access import OPERATOR, Principal
from tinytown.mcp.http import mcp_app
from tinytown.mcp.sessions import Limits

WHO = "X-Test-Who"
HEADERS = {"Accept": "application/json, text/event-stream", "Host": "127.0.0.1"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
PING = {"jsonrpc": "2.0", "id": 2, "method": "ping"}


def talk(stage: Stage, does: Callable[[httpx2.AsyncClient], Awaitable[None]], limits: Limits = Limits()) -> None:  # noqa: B008  frozen
    """Ask the application as it is behind the gate; a header says who asks."""

    async def main() -> None:
        app = mcp_app(stage.server, limits)
        transport = httpx2.ASGITransport(app=_behind_a_gate(app))
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=HEADERS) as client,
        ):
            await does(client)

    asyncio.run(main())


def _behind_a_gate(app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        name = Headers(scope=scope).get(WHO)
        if name is not None:
            principal = OPERATOR if name == OPERATOR.name else Principal(name=name, scopes=frozenset())
            scope.setdefault("state", {})["principal"] = principal
        await app(scope, receive, send)

    return serve


async def opened(client: httpx2.AsyncClient, who: str) -> dict[str, str]:
    """A new session, as headers of what is asked in it."""
    answer = await client.post("/mcp", json=INITIALIZE, headers={WHO: who})
    assert answer.status_code == 200, answer.text
    return {WHO: who, "Mcp-Session-Id": answer.headers["mcp-session-id"]}


async def asked(client: httpx2.AsyncClient, session: dict[str, str]) -> int:
    """The status of a question in the session."""
    return (await client.post("/mcp", json=PING, headers=session)).status_code


@contextlib.asynccontextmanager
async def listening(client: httpx2.AsyncClient, session: dict[str, str]) -> AsyncIterator[asyncio.Task[int]]:
    """While the session's stream is open, if it stays so; done with the number of bytes that came."""

    async def listen() -> int:
        async with client.stream("GET", "/mcp", headers=session) as answer:
            return len(await answer.aread())

    task = asyncio.create_task(listen())
    await asyncio.sleep(0)  # it runs until it waits for something to come
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_client_too_many_is_refused_until_another_leaves(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        first = await client.post("/mcp", json=INITIALIZE)
        assert (await client.post("/mcp", json=INITIALIZE)).status_code == 503
        session = {"Mcp-Session-Id": first.headers["mcp-session-id"]}
        assert (await client.delete("/mcp", headers=session)).status_code == 200
        assert (await client.post("/mcp", json=INITIALIZE)).status_code == 200

    talk(stage, ask, Limits(total=1))


def test_a_session_that_nobody_asks_anything_is_closed(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        first = await client.post("/mcp", json=INITIALIZE)
        session = {"Mcp-Session-Id": first.headers["mcp-session-id"]}
        async with asyncio.timeout(30):
            while (await client.post("/mcp", json=INITIALIZE)).status_code == 503:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.01)
        assert (await client.post("/mcp", json=PING, headers=session)).status_code == 404

    talk(stage, ask, Limits(idle_secs=0.1, total=1))


def test_one_key_leaves_room_for_others_and_loses_its_idlest_session(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        first, second = await opened(client, "key:ci"), await opened(client, "key:ci")
        assert await asked(client, first) == 200
        third = await opened(client, "key:ci")
        assert [await asked(client, one) for one in (first, second, third)] == [200, 404, 200]
        other = await opened(client, "key:board")
        for _ in range(10):
            await opened(client, "key:ci")
        assert await asked(client, other) == 200

    talk(stage, ask, Limits(total=3, each=2))


def test_sessions_in_use_are_not_taken_away_from_a_key_that_wants_one_more(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        session = await opened(client, "key:ci")
        async with listening(client, session) as stream:
            refused = await client.post("/mcp", json=INITIALIZE, headers={WHO: "key:ci"})
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
            assert refused.json()["type"] == "urn:tinytown:problem:too-many-requests"
            assert not stream.done()
        await opened(client, "key:ci")

    talk(stage, ask, Limits(each=1))


def test_a_session_that_was_never_asked_anything_gives_way_when_there_is_no_room(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        used, unused = await opened(client, "key:a"), await opened(client, "key:b")
        assert await asked(client, used) == 200
        async with listening(client, unused) as stream:
            newest = await opened(client, "key:c")
            async with asyncio.timeout(10):
                await stream
        assert [await asked(client, one) for one in (used, unused, newest)] == [200, 404, 200]
        full = await client.post("/mcp", json=INITIALIZE, headers={WHO: "key:d"})
        assert full.status_code == 503

    talk(stage, ask, Limits(total=2, unasked_secs=0))


def test_where_nobody_is_asked_who_they_are_one_may_have_all_sessions(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        sessions = [await opened(client, OPERATOR.name) for _ in range(3)]
        assert [await asked(client, one) for one in sessions] == [200, 200, 200]

    talk(stage, ask, Limits(each=1))


def test_a_session_belongs_to_whoever_began_it(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        session = await opened(client, "key:ci")
        stolen = {**session, WHO: "key:other"}
        assert await asked(client, stolen) == 404
        assert (await client.delete("/mcp", headers=stolen)).status_code == 404
        assert await asked(client, session) == 200

    talk(stage, ask)


def test_nothing_else_is_served(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        nothing = await client.get("/elsewhere")
        assert (nothing.status_code, nothing.json()["type"]) == (404, "urn:tinytown:problem:unknown-path")
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.post("/health")).status_code == 405
        assert (await client.put("/mcp")).status_code == 405
        for path in ("/mcp/", "/health/"):
            assert (await client.post(path)).status_code == 404

    talk(stage, ask)
