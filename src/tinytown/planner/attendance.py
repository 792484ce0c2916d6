"""Which agents are there, which are expected back, and for how long they are waited for."""

from __future__ import annotations

from datetime import datetime, timedelta

from tinytown.domain.agent import GONE, Agent, AgentState
from tinytown.planner.draft import Draft

LEAVING = GONE | {AgentState.DRAINING}
"""States in which an agent takes nothing new any more."""

AWAY = frozenset({AgentState.COLD, AgentState.PAUSED, AgentState.STARTING})
"""States an agent may come back from by itself."""


def missed_at(draft: Draft, agent: Agent) -> datetime:
    """From when on somebody else who is free is preferred to an agent that is away."""
    return agent.since + timedelta(seconds=draft.mission.policy.lost_agent_secs)


def is_missed(draft: Draft, agent: Agent) -> bool:
    """Whether an agent has been away for so long that somebody else is preferred; if not yet, the draft wakes then."""
    return agent.state in AWAY and _is_past(draft, missed_at(draft, agent))


def given_up_at(draft: Draft, agent: Agent) -> datetime:
    """From when on an agent that is away is not expected back: a rate limit ends at a known time."""
    back = max(agent.since, agent.paused_until or agent.since)
    return back + timedelta(seconds=draft.mission.policy.lost_agent_secs)


def is_expected(draft: Draft, agent: Agent | None) -> bool:
    """Whether an agent is there, or will be soon; if it is away, the draft wakes when it is not expected any more."""
    if agent is None or agent.state in GONE:
        return False
    return agent.state not in AWAY or not _is_past(draft, given_up_at(draft, agent))


def _is_past(draft: Draft, at: datetime) -> bool:
    if draft.now < at:
        draft.wake(at)
        return False
    return True
