"""The web application: every route over one town. The gate stands before it."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from tinytown import __version__
from tinytown.domain.errors import TinytownError
from tinytown.gate.problems import of_error
from tinytown.townhall.context import Context
from tinytown.townhall.routes import health, town

ROUTERS = (health.router, town.router)


def make_app(context: Context) -> FastAPI:
    """The application."""
    app = FastAPI(title="Townhall API", version=__version__)
    app.state.context = context
    app.add_exception_handler(TinytownError, _refused)
    for router in ROUTERS:
        app.include_router(router)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, TinytownError):
        raise error
    return of_error(error)
