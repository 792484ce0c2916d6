"""Clients of MCP, by the SDK: over a process's standard streams and over HTTP."""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

T = TypeVar("T")

TOWNHALL = Path(sys.executable).with_name("townhall")


@asynccontextmanager
async def over_http(
    url: str, key: str | None = None, mode: str = "auto", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Client]:
    """A client of `URL/mcp`, with an API key if there is one.

    Args:
        url: of the server.
        key: an API key.
        mode: `legacy` for the handshake of older protocols.
        tls: whose certificates are trusted, and what certificate the client has.
    """
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    # trust_env: no proxy of this machine comes between
    async with (
        httpx2.AsyncClient(headers=headers, verify=True if tls is None else tls, trust_env=False, timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(folder: Path, env: Mapping[str, str], log: Path, *args: str) -> AsyncIterator[Client]:
    """A client of `townhall mcp-stdio`, started in a folder.

    Args:
        folder: the town's, or one in it.
        env: of the process.
        log: where its standard error goes.
        args: further arguments.
    """
    server = StdioServerParameters(command=str(TOWNHALL), args=["mcp-stdio", *args], env=dict(env), cwd=folder)
    with log.open("w", encoding="utf-8") as errors:
        async with Client(stdio_client(server, errlog=errors)) as client:
            yield client


def run(does: Callable[[], Awaitable[T]]) -> T:
    """What an asynchronous test answers."""
    return anyio.run(does)


def structured(result: CallToolResult) -> dict[str, Any]:
    """The structured answer of a call that succeeded."""
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def text_of(result: CallToolResult) -> str:
    """The last text of an answer."""
    last = result.content[-1]
    assert isinstance(last, TextContent)
    return last.text


def refused(result: CallToolResult) -> str:
    """The one line of a call that failed."""
    assert result.is_error, result
    text = text_of(result)
    assert len(result.content) == 1
    assert "\n" not in text
    return text
