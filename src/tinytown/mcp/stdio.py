"""MCP over this process's standard input and output."""

from __future__ import annotations

import os
import signal
from typing import Any

import anyio
from mcp.server import MCPServer


def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve until the input ends, whether the output is read or not; signals end it at once, and nothing stored is lost."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # else it would wait for a line of input that may never come
    try:
        anyio.run(server.run_stdio_async)
    except* BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still buffered goes nowhere, quietly
