from __future__ import annotations

import pytest
from tests.unit.planner.world import later, make_agent, make_draft

from tinytown.domain.agent import Agent, AgentState
from tinytown.planner.attendance import is_expected, is_missed


@pytest.mark.parametrize("agent", [None, make_agent("a", state=AgentState.STOPPED)])
def test_agent_that_is_gone_is_not_expected(agent: Agent | None) -> None:
    assert not is_expected(make_draft(), agent)


@pytest.mark.parametrize("state", [AgentState.IDLE, AgentState.WORKING, AgentState.DRAINING])
def test_agent_that_is_there_is_neither_missed_nor_waited_for(state: AgentState) -> None:
    draft, agent = make_draft(), make_agent("a", state=state, since=later(-9999))

    assert (is_expected(draft, agent), is_missed(draft, agent), draft.wake_at) == (True, False, None)


def test_agent_that_waits_out_a_rate_limit_is_missed_before_it_is_given_up() -> None:
    draft, agent = make_draft(), make_agent("a", state=AgentState.PAUSED, since=later(-60), paused_until=later(300))

    assert (is_expected(draft, agent), is_missed(draft, agent)) == (True, True)
    assert draft.wake_at == later(360)
