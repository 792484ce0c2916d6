"""The signal for autoscalers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from tinytown.schemas.base import Answer
from tinytown.services.figures import ScalingSignal


class Scaling(Answer):
    """How many agents the town could use; docs/metrics.md says how each figure comes about."""

    town: str
    timestamp: datetime
    queue_depth: int = Field(ge=0, description="Tasks that wait or run, and startable items.")
    pending_tasks: int = Field(ge=0, description="Tasks that wait, in the backlog and in agents' inboxes.")
    in_flight_tasks: int = Field(ge=0, description="Tasks in a run.")
    startable_items: int = Field(ge=0, description="Items of missions that wait for an agent alone.")
    active_agents: int = Field(ge=0, description="Agents that are there: starting, idle, working, paused, draining.")
    cold_agents: int = Field(ge=0, description="Agents whose host is gone, and who come back with the next one.")
    desired_agents: int = Field(ge=0, description="Agents that could be used now, at most max_agents.")
    max_agents: int = Field(ge=1, description="The setting [agent] max_agents.")
    scaling_recommendation: Literal["scale_up", "steady", "scale_down", "scale_to_zero"]

    @classmethod
    def of(cls, town: str, signal: ScalingSignal) -> Scaling:
        """The signal as the contract shows it."""
        figures, scaling = signal.figures, signal.scaling
        return cls(
            town=town,
            timestamp=figures.at,
            queue_depth=figures.queue_depth,
            pending_tasks=figures.census.pending_tasks,
            in_flight_tasks=figures.census.in_flight_tasks,
            startable_items=figures.census.startable_items,
            active_agents=scaling.active_agents,
            cold_agents=scaling.cold_agents,
            desired_agents=scaling.desired_agents,
            max_agents=signal.max_agents,
            scaling_recommendation=scaling.recommendation.value,
        )
