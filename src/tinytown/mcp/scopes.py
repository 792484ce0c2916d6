"""What may be read by whom, besides tools."""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST

from tinytown.domain.access import Scope
from tinytown.domain.errors import TinytownError
from tinytown.mcp.desk import Desk

READING = frozenset({"resources/read", "prompts/get", "completion/complete"})
"""Methods that show something of the town; tools have scopes of their own."""


class Reading:
    """Middleware: whoever reads resources and prompts needs `town.read`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass on, or refuse."""
        if ctx.method in READING:
            try:
                self._desk.asker(ctx.request).check(Scope.TOWN_READ)
            except TinytownError as error:
                raise MCPError(code=INVALID_REQUEST, message=self._desk.told(error)) from error
        return await call_next(ctx)
