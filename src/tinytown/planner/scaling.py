"""How many agents a town could use: what an autoscaler is told. The rules are explained in docs/metrics.md."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import msgspec

from tinytown.domain.agent import AgentState

ACTIVE = frozenset({AgentState.STARTING, AgentState.IDLE, AgentState.WORKING, AgentState.PAUSED, AgentState.DRAINING})
"""Agents that are there."""


class Recommendation(Enum):
    """Which way the number of agents is to go."""

    SCALE_UP = "scale_up"
    """Fewer agents are there than could be used."""
    STEADY = "steady"
    """As many are there as can be used."""
    SCALE_DOWN = "scale_down"
    """More are there than can be used."""
    SCALE_TO_ZERO = "scale_to_zero"
    """Some are there, and none can be used."""


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """An agent, as far as it counts here."""

    state: AgentState
    open_tasks: int = 0


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to do, and who is there."""

    workers: tuple[Worker, ...] = ()
    backlog: int = 0
    """Tasks that any agent may take."""
    startable_items: int = 0
    """Items of missions that wait for nothing but an agent."""
    has_moving_missions: bool = False
    """Whether a mission is planning or running: a review or a fix may be due at any moment."""


class Scaling(msgspec.Struct, frozen=True, kw_only=True):
    """What an autoscaler is told."""

    active_agents: int
    cold_agents: int
    desired_agents: int
    recommendation: Recommendation


def scale(demand: Demand, max_agents: int) -> Scaling:
    """The number of agents that could be used now, at most `max_agents` (1 or more)."""
    active = sum(worker.state in ACTIVE for worker in demand.workers)
    wanted = _engaged(demand.workers) + demand.backlog + demand.startable_items
    desired = min(max(wanted, demand.has_moving_missions), max_agents)
    return Scaling(
        active_agents=active,
        cold_agents=sum(worker.state is AgentState.COLD for worker in demand.workers),
        desired_agents=desired,
        recommendation=_recommendation(active, desired),
    )


def _engaged(workers: Iterable[Worker]) -> int:
    """Agents that nobody can stand in for: they work, or have tasks of their own, or were told to pause."""
    return sum(_is_engaged(worker) for worker in workers)


def _is_engaged(worker: Worker) -> bool:
    match worker.state:
        case AgentState.WORKING | AgentState.PAUSED:
            return True
        case AgentState.STOPPED | AgentState.ERROR:
            return False
        case _:
            return worker.open_tasks > 0


def _recommendation(active: int, desired: int) -> Recommendation:
    if active < desired:
        return Recommendation.SCALE_UP
    if active == desired:
        return Recommendation.STEADY
    return Recommendation.SCALE_DOWN if desired else Recommendation.SCALE_TO_ZERO
