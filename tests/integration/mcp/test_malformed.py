"""What is no message of the protocol, over HTTP."""

from __future__ import annotations

import httpx2
import pytest
from tests.integration.mcp.stage import Stage
from tests.integration.mcp.test_sessions import INITIALIZE, opened, talk

NO_JSON = "Parse error: the body is no JSON"
NO_MESSAGE = "Invalid request: the body is no JSON-RPC 2.0 message (a request, a notification, a result or an error)"


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", -32700, NO_JSON),
        (b"{", -32700, NO_JSON),
        (b"\xff", -32700, NO_JSON),
        (b"{}", -32600, NO_MESSAGE),
        (b"[]", -32600, NO_MESSAGE),
        (b"7", -32600, NO_MESSAGE),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600, NO_MESSAGE),
    ],
)
@pytest.mark.parametrize("has_session", [False, True])
def test_it_is_refused_in_one_plain_line(stage: Stage, body: bytes, code: int, says: str, *, has_session: bool) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        headers = await opened(client, "key:ci") if has_session else {}
        answer = await client.post("/mcp", content=body, headers={**headers, "Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json() == {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": says}}
        assert int(answer.headers["content-length"]) == len(answer.content)

    talk(stage, ask)


def test_params_that_do_not_fit_are_told_without_the_wording_of_a_library(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        session = await opened(client, "key:ci")
        for method, params in (("tools/call", {"name": 5}), ("initialize", {}), ("tools/call", {"name": "x" * 9})):
            asked = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
            answer = await client.post("/mcp", json=asked, headers=session)
            assert "pydantic" not in answer.text
            assert "http" not in answer.text

    talk(stage, ask)


def test_what_is_well_formed_passes_as_it_is(stage: Stage) -> None:
    async def ask(client: httpx2.AsyncClient) -> None:
        answer = await client.post("/mcp", json=INITIALIZE)
        assert answer.status_code == 200
        assert "serverInfo" in answer.text

    talk(stage, ask)
