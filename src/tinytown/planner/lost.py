"""Tasks whose agent cannot get to them go to somebody else."""

from __future__ import annotations

from datetime import datetime, timedelta

from tinytown.domain.agent import GONE, Agent, AgentState
from tinytown.domain.task import Task
from tinytown.planner.draft import Draft
from tinytown.planner.settle import take_back

_AWAY = frozenset({AgentState.COLD, AgentState.PAUSED, AgentState.STARTING})
"""States an agent may come back from by itself; its tasks wait for it for a while."""


def release_lost(draft: Draft) -> None:
    """Take tasks back from agents that are gone, or have been away for longer than the policy allows."""
    for task in tuple(draft.tasks.values()):
        agent = draft.agents.get(task.agent_id or "")
        if task.is_open and _is_lost(draft, agent):
            _release(draft, task, agent)


def _is_lost(draft: Draft, agent: Agent | None) -> bool:
    if agent is None or agent.state in GONE:
        return True
    if agent.state not in _AWAY:
        return False
    gives_up_at = _gives_up_at(draft, agent)
    if draft.now < gives_up_at:
        draft.wake(gives_up_at)
        return False
    return any(other.state is AgentState.IDLE for other in draft.agents.values())


def _gives_up_at(draft: Draft, agent: Agent) -> datetime:
    return agent.since + timedelta(seconds=draft.mission.policy.lost_agent_secs)


def _release(draft: Draft, task: Task, agent: Agent | None) -> None:
    take_back(draft, task, f"{agent.name} is {agent.state.value}" if agent else "its agent is gone")
