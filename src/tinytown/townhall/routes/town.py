"""The town and its agents at a glance."""

from __future__ import annotations

from fastapi import APIRouter

from tinytown.bootstrap import Town
from tinytown.townhall.context import READ, LentTown
from tinytown.townhall.schemas.agents import AgentInfo
from tinytown.townhall.schemas.town import TownInfo, TownStatus

router = APIRouter(prefix="/v1", tags=["Town"], dependencies=[READ])


@router.get("/town", summary="Get town information", operation_id="getTown")
def town_info(town: LentTown) -> TownInfo:
    """Which town it is."""
    return TownInfo(**_info(town))


@router.get("/status", summary="Get comprehensive town status with all agents", operation_id="getStatus")
def status(town: LentTown) -> TownStatus:
    """The town with its agents."""
    agents = [AgentInfo.of(agent) for agent in town.agents.all()]
    return TownStatus(**_info(town), agent_count=len(agents), agents=agents)


def _info(town: Town) -> dict[str, str]:
    return {"name": town.settings.town.name, "root": str(town.root), "redis_url": town.redis_url}
