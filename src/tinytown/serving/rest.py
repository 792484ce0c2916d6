"""REST behind the gate, as one ASGI application."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from tinytown.bootstrap import Town
from tinytown.domain.access import OPERATOR
from tinytown.townhall.app import make_app
from tinytown.townhall.context import Context
from tinytown.townhall.pool import TownPool


def rest_app(town: Town, towns: TownPool, stopping: asyncio.Event) -> ASGIApp:
    """The application over a town; `town` itself is used for its settings only."""
    return _as_operator(make_app(Context(towns=towns, settings=town.settings, stopping=stopping)))


def _as_operator(app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["principal"] = OPERATOR
        await app(scope, receive, send)

    return serve
