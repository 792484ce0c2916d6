"""Whether the server is there, and whether it can do its work."""

from __future__ import annotations

import time

from fastapi import APIRouter, Response

from tinytown.domain.errors import UnavailableError
from tinytown.townhall.context import Here, LentTown
from tinytown.townhall.schemas.health import Health, Ready

router = APIRouter(tags=["Health"])


@router.get("/health", summary="Liveness check", operation_id="healthCheck")
async def health(here: Here) -> Health:
    """The server is alive; the store is not asked."""
    return Health(status="ok", uptime_secs=int(time.monotonic() - here.started))


@router.get("/ready", summary="Readiness check", operation_id="readinessCheck", responses={503: {"model": Ready}})
def ready(town: LentTown, response: Response) -> Ready:
    """The store answers."""
    name = town.settings.town.name
    asked = time.perf_counter()
    try:
        dispatchers = town.dispatcher_store.all()
    except UnavailableError as error:
        response.status_code = 503
        return Ready(status="not_ready", redis="disconnected", dispatcher="unknown", town=name, detail=error.message)
    latency = (time.perf_counter() - asked) * 1000
    return Ready(
        status="ready",
        redis="connected",
        redis_latency_ms=round(latency, 3),
        dispatcher="running" if dispatchers else "stopped",
        town=name,
    )
