"""Whether the server is there, and whether it can do its work. Open to all: neither waits for a thread or the store."""

from __future__ import annotations

import time

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from tinytown.domain.errors import TinytownError
from tinytown.gate.wording import outward
from tinytown.schemas.health import Health, NotReady, Ready
from tinytown.townhall.context import Here

router = APIRouter(tags=["Health"])


@router.get("/health", summary="Liveness check", operation_id="healthCheck")
async def health(here: Here) -> Health:
    """The server is alive; the store is not asked."""
    return Health(status="ok", uptime_secs=int(time.monotonic() - here.started))


@router.get(
    "/ready",
    summary="Readiness check",
    operation_id="readinessCheck",
    response_model=Ready,
    responses={503: {"model": NotReady, "description": "The store cannot be reached"}},
)
async def ready(here: Here) -> Ready | JSONResponse:
    """The store answers. Known within a second, also when it hangs; the town's own server is started when it is gone."""
    with here.towns.lend() as town:
        name, find_out = town.settings.town.name, town.readiness
    try:
        found = await here.probe.ask(find_out)
    except TinytownError as error:
        return JSONResponse(NotReady(town=name, detail=outward(error)).model_dump(), 503)
    return Ready(
        redis_latency_ms=round(found.latency_secs * 1000, 3),
        dispatcher="running" if found.is_dispatching else "stopped",
        town=name,
    )
