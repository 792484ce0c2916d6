"""MCP over streamable HTTP, as a web application. The gate stands before it."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tinytown.gate.problems import problem
from tinytown.mcp.malformed import PlainRefusals
from tinytown.mcp.sessions import Limits, Sessions

PATH = "/mcp"


def mcp_app(server: MCPServer[Any], limits: Limits = Limits()) -> Starlette:  # noqa: B008  frozen
    """The application, of one server; its sessions last as long as it does at most."""
    server.streamable_http_app(
        streamable_http_path=PATH,
        max_sessions=limits.total,
        session_idle_timeout=limits.idle_secs,
        # hosts, origins and sizes of bodies are the gate's
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    manager = server.session_manager
    sessions = Sessions(PlainRefusals(manager.handle_request), limits)
    app = Starlette(
        routes=[Route(PATH, sessions), Route("/health", _health)],
        lifespan=lambda _: manager.run(),
        exception_handlers={404: _nothing},
    )
    app.router.redirect_slashes = False
    return app


async def _health(_: Request) -> Response:
    """The server is alive; where REST is beside it, REST answers."""
    return JSONResponse({"status": "ok"})


async def _nothing(_: Request, __: Exception) -> Response:
    return problem(404, "unknown-path", f"nothing is served at this path; MCP is at {PATH}")
