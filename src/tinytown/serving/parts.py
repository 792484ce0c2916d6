"""What the faces that a server has are made of."""

from __future__ import annotations

import msgspec

from tinytown.bootstrap import Town
from tinytown.gate.guard import Gate
from tinytown.townhall.pool import TownPool


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Of one server; they last as long as it does."""

    town: Town
    """For its settings only."""
    towns: TownPool
    """Towns for requests."""
    gate: Gate
    """What stands before the faces; MCP has its audit, clock and settings from there."""
