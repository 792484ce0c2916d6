"""MCP of a real `townhall`, over both transports."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.acceptance.conftest import TownCalls
from tests.mcp_clients import over_http, over_stdio, run, structured
from tests.townhall_process import TownhallProcess, serving

from tinytown.mcp.toolbox import SPECS

NAMES = sorted(spec.name for spec in SPECS)


def test_tools_are_listed_and_called_over_stdio(town: TownCalls, tmp_path: Path) -> None:
    async def talk() -> None:
        async with over_stdio(town.root, town.env, tmp_path / "stderr") as client:
            listed = await client.list_tools()
            assert sorted(tool.name for tool in listed.tools) == NAMES
            added = structured(await client.call_tool("backlog.add", {"description": "tidy up"}))
            seen = structured(await client.call_tool("town.get_status"))
            assert seen["backlog_count"] == 1
            assert added["description"] == "tidy up"

    run(talk)


def test_tools_are_listed_and_called_beside_rest(town: TownCalls, townhall: TownhallProcess) -> None:
    async def talk() -> None:
        for mode in ("auto", "legacy"):
            async with over_http(townhall.url, mode=mode) as client:
                listed = await client.list_tools()
                assert sorted(tool.name for tool in listed.tools) == NAMES
                await client.call_tool("backlog.add", {"description": "tidy up"})

    run(talk)
    assert townhall.client.get("/v1/backlog").json()["count"] == 2


def test_mcp_is_served_alone(town: TownCalls) -> None:
    async def talk(url: str) -> dict[str, object]:
        async with over_http(url) as client:
            return structured(await client.call_tool("town.get_status"))

    with serving(town.root, town.env, "mcp-http") as process:
        assert run(lambda: talk(process.url))["name"] == "shop-main"
        assert process.client.get("/health").json() == {"status": "ok"}
        assert process.client.get("/v1/status").status_code == 404
        assert process.end(signal.SIGTERM) == 0
