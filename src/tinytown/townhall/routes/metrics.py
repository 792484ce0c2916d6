"""The town in figures: for Prometheus, and for autoscalers."""

from __future__ import annotations

import time

from fastapi import APIRouter, Response

from tinytown import __version__
from tinytown.domain.errors import UnavailableError
from tinytown.gate.wording import outward
from tinytown.schemas.metrics import Scaling
from tinytown.townhall.context import READ, Here, LentTown
from tinytown.townhall.exposition import CONTENT_TYPE, Server, exposition

router = APIRouter(tags=["Health"], dependencies=[READ])

_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    operation_id="metrics",
    response_class=Response,
    responses={
        200: {**_TEXT, "description": "Figures in Prometheus's text format"},
        503: {**_TEXT, "description": "The store cannot be reached"},
    },
)
def metrics(here: Here, town: LentTown) -> Response:
    """Figures of the town and of this server, in Prometheus's text format."""
    try:
        figures = town.figures.now()
    except UnavailableError as error:
        return Response(f"{outward(error)}\n", 503, media_type="text/plain")
    server = Server(version=__version__, uptime_secs=time.monotonic() - here.started, traffic=here.traffic)
    return Response(exposition(figures, server), headers={"Content-Type": CONTENT_TYPE})


@router.get("/api/scaling", summary="Autoscaler scaling signal", operation_id="scalingSignal")
def scaling(town: LentTown) -> Scaling:
    """How many agents the town could use now."""
    return Scaling.of(town.settings.town.name, town.figures.scaling())
