"""MCP over this process's standard input and output."""

from __future__ import annotations

from typing import Any

import anyio
from mcp.server import MCPServer


def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve until the input ends."""
    anyio.run(server.run_stdio_async)
