"""MCP over streamable HTTP, as a web application. The gate stands before it."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tinytown.gate.asking import principal_of
from tinytown.gate.problems import problem

PATH = "/mcp"
MAX_SESSIONS = 200
"""So many clients at once; another is refused with 503."""
IDLE_SECS = 1800.0
"""A session that nobody asked anything for so long is closed."""


def mcp_app(server: MCPServer[Any], *, max_sessions: int = MAX_SESSIONS, idle_secs: float = IDLE_SECS) -> Starlette:
    """The application; its sessions last as long as it does at most.

    Args:
        server: what answers; one application's.
        max_sessions: so many clients at once.
        idle_secs: a session that nobody asked anything for so long is closed.
    """
    server.streamable_http_app(
        streamable_http_path=PATH,
        max_sessions=max_sessions,
        session_idle_timeout=idle_secs,
        # hosts, origins and sizes of bodies are the gate's
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    manager = server.session_manager
    return Starlette(
        routes=[Route(PATH, _Owned(manager)), Route("/health", _health)],
        lifespan=lambda _: manager.run(),
        exception_handlers={404: _nothing},
    )


class _Owned:
    """Has each session belong to whoever began it."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal = principal_of(scope)
        if principal is not None:
            token = AccessToken(token="", client_id=principal.name, scopes=[])
            scope = {**scope, "user": AuthenticatedUser(token)}  # by this the SDK knows whose session it is
        await self._manager.handle_request(scope, receive, send)


async def _health(_: Request) -> Response:
    """The server is alive; where REST is beside it, REST answers."""
    return JSONResponse({"status": "ok"})


async def _nothing(_: Request, __: Exception) -> Response:
    return problem(404, "unknown-path", f"nothing is served at this path; MCP is at {PATH}")
