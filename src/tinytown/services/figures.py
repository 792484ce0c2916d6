"""A town in figures: for `/metrics` and for autoscalers. Each look is one round trip to the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from tinytown.domain.mission import MissionState
from tinytown.planner.scaling import Demand, Scaling, Worker, scale
from tinytown.services.insights import DispatcherSeen, dispatcher_seen
from tinytown.store.census import Census, CensusStore


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A town, counted."""

    at: datetime
    census: Census
    dispatchers: tuple[DispatcherSeen, ...]

    @property
    def queue_depth(self) -> int:
        """All work that is there to be done now: what is at it, what waits, and items that lack only an agent."""
        return self.census.pending_tasks + self.census.in_flight_tasks + self.census.startable_items

    @property
    def event_lag_secs(self) -> float:
        """How long the mission that waits longest has been due without a dispatcher being done with it."""
        due = self.census.first_due
        return max((self.at - due).total_seconds(), 0.0) if due is not None else 0.0


class ScalingSignal(msgspec.Struct, frozen=True, kw_only=True):
    """What an autoscaler is told."""

    figures: Figures
    scaling: Scaling
    max_agents: int


class FigureDesk:
    """Counts one town."""

    def __init__(self, store: CensusStore, *, max_agents: int, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._max_agents = max_agents
        self._clock = clock

    def now(self) -> Figures:
        """The town at this moment."""
        census = self._store.read()
        at = self._clock()
        return Figures(at=at, census=census, dispatchers=tuple(dispatcher_seen(one, at) for one in census.dispatchers))

    def scaling(self) -> ScalingSignal:
        """How many agents the town could use at this moment."""
        figures = self.now()
        census = figures.census
        demand = Demand(
            workers=tuple(Worker(state=agent.state, open_tasks=agent.open_tasks) for agent in census.agents),
            backlog=census.backlog,
            startable_items=census.startable_items,
            has_moving_missions=census.active_missions > census.missions[MissionState.BLOCKED],
        )
        return ScalingSignal(figures=figures, scaling=scale(demand, self._max_agents), max_agents=self._max_agents)
