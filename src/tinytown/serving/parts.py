"""What the faces that a server has are made of."""

from __future__ import annotations

import msgspec

from tinytown.bootstrap import Town
from tinytown.gate.guard import Gate
from tinytown.townhall.pool import TownPool

STORE_SECS = 3.0
"""How long the store may take to answer a request: less than for commands, for others wait behind it."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Of one server; they last as long as it does."""

    town: Town
    """For its settings only."""
    towns: TownPool
    """Towns for requests."""
    gate: Gate
    """What stands before the faces; MCP has its audit, clock and settings from there."""


def town_pool(town: Town) -> TownPool:
    """Towns for requests, each with the settings as they are then."""
    live = town.live_settings
    return TownPool(lambda: Town(live.now(), town.environ, town.clock, answer_secs=STORE_SECS), version=live.now)
