"""How many agents an autoscaler is told to have: the table of docs/metrics.md."""

from __future__ import annotations

from typing import Any

import pytest

from tinytown.domain.agent import AgentState
from tinytown.planner.scaling import Demand, Worker, scale

IDLE = Worker(state=AgentState.IDLE)
WORKING = Worker(state=AgentState.WORKING, open_tasks=1)
ASKED = Worker(state=AgentState.WORKING)
PAUSED = Worker(state=AgentState.PAUSED)
COLD = Worker(state=AgentState.COLD)
OWING = Worker(state=AgentState.COLD, open_tasks=3)
STARTING = Worker(state=AgentState.STARTING)
DRAINING = Worker(state=AgentState.DRAINING)
LAST = Worker(state=AgentState.DRAINING, open_tasks=1)
STOPPED = Worker(state=AgentState.STOPPED, open_tasks=2)
BROKEN = Worker(state=AgentState.ERROR, open_tasks=2)


@pytest.mark.parametrize(
    ("workers", "demand", "expected"),
    [
        pytest.param([], {}, (0, 0, 0, "steady"), id="nothing at all"),
        pytest.param([IDLE, IDLE], {}, (2, 0, 0, "scale_to_zero"), id="agents and no work"),
        pytest.param([COLD, COLD], {}, (0, 2, 0, "steady"), id="only cold agents and no work"),
        pytest.param([OWING], {}, (0, 1, 1, "scale_up"), id="a cold agent has tasks of its own"),
        pytest.param([COLD], {"backlog": 2}, (0, 1, 2, "scale_up"), id="only a cold agent and a backlog"),
        pytest.param([], {"backlog": 3}, (0, 0, 3, "scale_up"), id="backlog only"),
        pytest.param([], {"backlog": 50}, (0, 0, 10, "scale_up"), id="more work than agents are allowed"),
        pytest.param([IDLE] * 10, {"backlog": 50}, (10, 0, 10, "steady"), id="as many as are allowed"),
        pytest.param([WORKING] * 12, {"backlog": 5}, (12, 0, 10, "scale_down"), id="more than are allowed"),
        pytest.param([WORKING, IDLE, IDLE], {"backlog": 1}, (3, 0, 2, "scale_down"), id="an idle one too many"),
        pytest.param([WORKING, IDLE], {"startable_items": 1}, (2, 0, 2, "steady"), id="an item for the idle one"),
        pytest.param([WORKING], {"startable_items": 2}, (1, 0, 3, "scale_up"), id="more items than agents"),
        pytest.param([ASKED], {}, (1, 0, 1, "steady"), id="an agent answers a question"),
        pytest.param([PAUSED], {}, (1, 0, 1, "steady"), id="a paused agent is kept"),
        pytest.param([PAUSED], {"backlog": 1}, (1, 0, 2, "scale_up"), id="a paused agent does no work"),
        pytest.param([], {"has_moving_missions": True}, (0, 0, 1, "scale_up"), id="a mission moves, nobody is there"),
        pytest.param([IDLE], {"has_moving_missions": True}, (1, 0, 1, "steady"), id="a mission with nothing ready"),
        pytest.param([IDLE] * 3, {"has_moving_missions": True}, (3, 0, 1, "scale_down"), id="one waits for a mission"),
        pytest.param([STARTING], {"backlog": 1}, (1, 0, 1, "steady"), id="an agent is about to be there"),
        pytest.param([DRAINING], {}, (1, 0, 0, "scale_to_zero"), id="an agent is about to stop"),
        pytest.param([LAST], {}, (1, 0, 1, "steady"), id="an agent does its last task"),
        pytest.param([STOPPED, BROKEN], {}, (0, 0, 0, "steady"), id="tasks that nobody will do"),
    ],
)
def test_agents_desired(workers: list[Worker], demand: dict[str, Any], expected: tuple[int, int, int, str]) -> None:
    found = scale(Demand(workers=tuple(workers), **demand), 10)
    assert (
        found.active_agents,
        found.cold_agents,
        found.desired_agents,
        found.recommendation.value,
    ) == expected


def test_one_agent_is_allowed_at_least() -> None:
    assert scale(Demand(backlog=5, has_moving_missions=True), 1).desired_agents == 1
