"""Recovery from what died."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tinytown.bootstrap import Town
from tinytown.domain.access import Scope
from tinytown.mcp.tool import Effect, Spec
from tinytown.schemas.base import Line
from tinytown.schemas.recovery import ReclaimResponse, RecoverResponse


def recover_agents(town: Town) -> RecoverResponse:
    """Give up hosts that are gone, and start this machine's for its agents, whose runs then begin anew. Use it when agents
    are `cold` for long, or `working` or `starting` and nothing happens any more.
    """
    return RecoverResponse.of(town.recovery.recover())


def reclaim_tasks(
    town: Town,
    to_backlog: Annotated[bool, Field(description="Put them where any agent that fits takes them.")] = False,  # noqa: FBT002  an argument by name
    to: Annotated[Line | None, Field(description="The agent that gets them.")] = None,
    source: Annotated[Line | None, Field(description="Only this agent's; by default that of all who are gone.")] = None,
) -> ReclaimResponse:
    """Take unfinished work from agents that are gone; without a destination it is only counted. Tasks of missions go back
    to their missions, which give them out anew.
    """
    return ReclaimResponse.of(town.recovery.reclaim(to_backlog=to_backlog, to=to, source=source))


_MANAGE = Scope.AGENT_MANAGE

TOOLS = (
    Spec(
        name="recovery.recover_agents", title="Recover agents", does=recover_agents, scope=_MANAGE, effect=Effect.SETS
    ),
    Spec(name="recovery.reclaim_tasks", title="Reclaim tasks", does=reclaim_tasks, scope=_MANAGE, effect=Effect.SETS),
)
