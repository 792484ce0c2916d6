"""The town at a glance."""

from __future__ import annotations

from tinytown.bootstrap import Town
from tinytown.domain.access import Scope
from tinytown.domain.ids import CONDUCTOR
from tinytown.mcp.arguments import Limit
from tinytown.mcp.results import TownOverview
from tinytown.mcp.tool import Spec
from tinytown.schemas.agents import AgentInfo
from tinytown.schemas.missions import MissionSummary


def get_status(town: Town, limit: Limit = 50) -> TownOverview:
    """See the town at a glance: agents, missions that have not ended, the backlog, what waits for you, and whether a
    dispatcher moves missions on. Begin with it, and come back to it.
    """
    seen = town.insights.town()
    newest = town.mission_looks.newest(is_active_only=True)
    missions = town.mission_looks.some([mission_id for mission_id, _ in newest[:limit]])
    return TownOverview(
        name=town.settings.town.name,
        root=str(town.root),
        redis_url=town.redis_url,
        agent_count=len(seen.agents),
        agents=[AgentInfo.of(agent) for agent in seen.agents[:limit]],
        missions=[MissionSummary.of(one) for one in missions],
        mission_count=len(newest),
        backlog_count=seen.backlog,
        conductor_inbox=len(town.messages.waiting(CONDUCTOR)),
        is_dispatching=any(one.is_alive for one in seen.dispatchers),
    )


TOOLS = (Spec(name="town.get_status", title="See the town", does=get_status, scope=Scope.TOWN_READ, has_texts=True),)
