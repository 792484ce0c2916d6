"""REST and MCP as one application."""

from __future__ import annotations

from starlette.types import ASGIApp

from tinytown.serving.gates import MCP_PATH
from tinytown.serving.mcp import http_app
from tinytown.serving.mounting import mounted
from tinytown.serving.parts import Parts
from tinytown.townhall.app import make_app
from tinytown.townhall.context import Context


def rest_app(parts: Parts) -> ASGIApp:
    """The application, without the gate."""
    context = Context(towns=parts.towns, settings=parts.town.settings, stopping=parts.gate.stopping)
    return mounted(make_app(context), {MCP_PATH: http_app(parts)})
