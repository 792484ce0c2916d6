"""The town and its agents at a glance."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tinytown.bootstrap import Town
from tinytown.schemas.agents import AgentInfo
from tinytown.schemas.town import TownInfo, TownStatus
from tinytown.townhall.context import READ, LentTown
from tinytown.townhall.paging import Paging, paging
from tinytown.townhall.parameters import Flag
from tinytown.townhall.routes.agents import place_of

router = APIRouter(prefix="/v1", tags=["Town"], dependencies=[READ])


@router.get("/town", summary="Get town information", operation_id="getTown")
def town_info(town: LentTown) -> TownInfo:
    """Which town it is."""
    return TownInfo(**_info(town))


@router.get("/status", summary="Get comprehensive town status with all agents", operation_id="getStatus")
def status(
    town: LentTown,
    page: Annotated[Paging, Depends(paging("agents"))],
    deep: Annotated[Flag, Query(description="With details of each agent.")] = False,  # noqa: FBT002  a parameter
) -> TownStatus:
    """The town with its agents."""
    agents = town.agents.all()
    shown, next_cursor = page.cut(agents, key=place_of)
    return TownStatus(
        **_info(town),
        agent_count=len(agents),
        agents=[AgentInfo.of(agent, is_deep=deep) for agent in shown],
        next_cursor=next_cursor,
    )


def _info(town: Town) -> dict[str, str]:
    return {"name": town.settings.town.name, "root": str(town.root), "redis_url": town.redis_url}
