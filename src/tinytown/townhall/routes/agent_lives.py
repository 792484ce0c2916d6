"""The lives of agents: stopping them, starting them anew, pausing them, and clearing them away."""

from __future__ import annotations

from fastapi import APIRouter

from tinytown.schemas.agents import (
    AgentActionResponse,
    KillRequest,
    PruneRequest,
    PruneResponse,
    RestartRequest,
    ResumeResponse,
)
from tinytown.townhall.context import MANAGE, LentTown
from tinytown.townhall.parameters import AgentPath

router = APIRouter(prefix="/v1/agents", tags=["Agents"], dependencies=[MANAGE])


@router.post("/prune", summary="Prune stopped and broken agents", operation_id="pruneAgents")
def prune(town: LentTown, body: PruneRequest) -> PruneResponse:
    """Take agents that stopped or broke out of the roster; those with unfinished work are kept, and named."""
    return PruneResponse.of(town.agents.prune(is_all=body.all))


@router.post("/{agent}/kill", summary="Stop an agent", operation_id="killAgent")
def kill(town: LentTown, agent: AgentPath, body: KillRequest | None = None) -> AgentActionResponse:
    """Stop an agent when its run ends, or at once with `force`. Its messages and tasks wait."""
    found = town.agents.find(agent)
    state = town.agents.kill(found.id, is_forced=body is not None and body.force)
    return AgentActionResponse(status=state.value, agent=found.name)


@router.post("/{agent}/restart", summary="Start an agent anew", operation_id="restartAgent")
def restart(town: LentTown, agent: AgentPath, body: RestartRequest | None = None) -> AgentActionResponse:
    """Start an agent anew that stopped or broke, with its inbox and tasks; with `force` also one that is there."""
    found = town.agents.find(agent)
    state = town.agents.restart(found.id, is_forced=body is not None and body.force)
    return AgentActionResponse(status=state.value, agent=found.name)


@router.post("/{agent}/interrupt", summary="Pause an agent", operation_id="interruptAgent")
def interrupt(town: LentTown, agent: AgentPath) -> AgentActionResponse:
    """Pause an agent until it is resumed; its run is stopped and begun anew later, in the same worktree."""
    found = town.agents.find(agent)
    return AgentActionResponse(status=town.agents.interrupt(found.id).value, agent=found.name)


@router.post("/{agent}/resume", summary="Let an agent go on", operation_id="resumeAgent")
def resume(town: LentTown, agent: AgentPath) -> ResumeResponse:
    """Let a paused agent take up its inbox again, also out of the pause of a rate limit."""
    found = town.agents.find(agent)
    state, until = town.agents.resume(found.id)
    town.ensure_host()
    return ResumeResponse(status=state.value, agent=found.name, limited_until=until)


@router.post("/{agent}/close", summary="Close an agent", operation_id="closeAgent")
def close(town: LentTown, agent: AgentPath) -> AgentActionResponse:
    """Have an agent take nothing new, do what it has, and stop then."""
    found = town.agents.find(agent)
    state = town.agents.close(found.id)
    town.ensure_host()
    return AgentActionResponse(status=state.value, agent=found.name)
