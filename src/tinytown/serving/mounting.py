"""Several applications in one server: one has everything but the paths that are another's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send


def mounted(app: Starlette, others: Mapping[str, Starlette]) -> ASGIApp:
    """The application with others at those paths and below; all of them begin and end with the server.

    Args:
        app: what has the rest.
        others: by path, such as `/mcp`; they see paths as they are asked for.
    """
    return _Mounted(app, others)


class _Mounted:
    def __init__(self, app: Starlette, others: Mapping[str, Starlette]) -> None:
        self._app = app
        self._others = others
        self._lives = Router(lifespan=self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lives(scope, receive, send)
        else:
            await self._whose(scope)(scope, receive, send)

    def _whose(self, scope: Scope) -> Starlette:
        path = scope.get("path", "")
        fits = (other for at, other in self._others.items() if path == at or path.startswith(f"{at}/"))
        return next(fits, self._app)

    @asynccontextmanager
    async def _lifespan(self, _: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for app in (self._app, *self._others.values()):
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield
