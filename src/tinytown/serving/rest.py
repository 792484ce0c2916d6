"""REST behind the gate, as one ASGI application."""

from __future__ import annotations

from starlette.types import ASGIApp

from tinytown.bootstrap import Town
from tinytown.gate.guard import Gate, guarded
from tinytown.townhall.app import make_app
from tinytown.townhall.context import Context
from tinytown.townhall.pool import TownPool


def rest_app(town: Town, towns: TownPool, gate: Gate) -> ASGIApp:
    """The application over a town; `town` itself is used for its settings only."""
    context = Context(towns=towns, settings=town.settings, stopping=gate.stopping)
    return guarded(make_app(context), gate)
