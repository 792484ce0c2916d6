"""The web application: every route over one town. The gate stands before it."""

from __future__ import annotations

from functools import cache, partial

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from tinytown.townhall.context import Context
from tinytown.townhall.idempotency import Idempotency
from tinytown.townhall.methods import Methods
from tinytown.townhall.openapi import TITLE, VERSION, document
from tinytown.townhall.refusals import add_refusals
from tinytown.townhall.routes import (
    agent_lives,
    agents,
    backlog,
    docs,
    events,
    health,
    history,
    messages,
    metrics,
    mission_plans,
    mission_watches,
    mission_work,
    missions,
    recovery,
    tasks,
    town,
    webhooks,
)
from tinytown.townhall.traffic import Counted

ROUTERS = (docs.router, health.router, metrics.router, town.router, events.router, history.router)
AGENT_ROUTERS = (agents.router, agent_lives.router, recovery.router)
WORK_ROUTERS = (tasks.router, backlog.router, messages.router)
MISSION_ROUTERS = (missions.router, mission_plans.router, mission_work.router, mission_watches.router, webhooks.router)


def make_app(context: Context) -> FastAPI:
    """The application."""
    app = FastAPI(title=TITLE, version=VERSION, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.context = context
    add_refusals(app)
    app.add_middleware(Idempotency, context=context)
    app.add_middleware(Methods, routes=lambda: iter_route_contexts(app.routes))
    app.add_middleware(Counted, traffic=context.traffic)
    for router in (*ROUTERS, *AGENT_ROUTERS, *WORK_ROUTERS, *MISSION_ROUTERS):
        app.include_router(router)
    app.openapi = cache(partial(document, app, context.settings.townhall.auth))  # type: ignore[method-assign]
    return app
