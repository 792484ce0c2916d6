"""The missions of a town on paper, as a person directs them."""

from __future__ import annotations

from pathlib import Path

from tests.properties.mission_town import PaperTown

from tinytown.services.caller import Caller
from tinytown.services.missions import Missions
from tinytown.services.planning import Planning


def missions_of(town: PaperTown, folder: Path) -> Missions:
    planning = Planning(town.forge, folder)
    return Missions(
        town.missions,
        town.agents,
        town.forge,
        planning,
        lambda: town.now,
        caller=Caller(),
        may_direct=False,
        redact=str,
    )
