"""A town in figures: for `/metrics` and for autoscalers. Each look is one round trip to the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from tinytown.domain.agent import GONE, AgentState
from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.mission import MissionState
from tinytown.planner.scaling import Demand, Scaling, Worker, scale
from tinytown.services.insights import DispatcherSeen, dispatcher_seen
from tinytown.store.census import Census, CensusStore, InboxCount, Quota
from tinytown.store.counters import RUN_BUCKETS, STEP_BUCKETS, Histogram

__all__ = ["FigureDesk", "Figures", "Histogram", "ScalingSignal"]


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

    @property
    def agents_by_state(self) -> Mapping[str, int]:
        """How many agents are in each state there is."""
        found = Counter(agent.state for agent in self.census.agents)
        return {state.value: found[state] for state in AgentState}

    @property
    def agents_by_role(self) -> Mapping[str, int]:
        """How many agents have a role; without those that will not come back by themselves."""
        return Counter(agent.role for agent in self.census.agents if agent.state not in GONE)

    @property
    def inboxes(self) -> Mapping[str, InboxCount]:
        """Inboxes by whose they are: the conductor's first, the agents' in order of name."""
        return {CONDUCTOR: self.census.conductor, **{agent.name: agent.inbox for agent in self.census.agents}}

    @property
    def oldest_message_secs(self) -> float:
        """Age of the oldest message of an agent; the conductor is a person."""
        sent = [one.inbox.oldest_at for one in self.census.agents if one.inbox.oldest_at is not None]
        return max((self.at - min(sent)).total_seconds(), 0.0) if sent else 0.0

    @property
    def tasks(self) -> Mapping[str, float]:
        """How often a task came into a state; known are `assigned` and the states in which tasks end."""
        return {state: count for (state,), count in self.census.counters.of_kind("tasks").items()}

    @property
    def runs(self) -> Mapping[tuple[str, ...], float]:
        """Runs that ended by CLI and outcome; the outcome `lost` is that their host died."""
        return self.census.counters.of_kind("runs")

    @property
    def run_times(self) -> Mapping[tuple[str, ...], Histogram]:
        """How many seconds runs took, by CLI and outcome."""
        return self.census.counters.histograms("run_secs", RUN_BUCKETS)

    @property
    def tokens(self) -> Mapping[tuple[str, ...], float]:
        """Tokens used by CLI."""
        return self.census.counters.of_kind("tokens")

    @property
    def cost_usd(self) -> Mapping[tuple[str, ...], float]:
        """US dollars by CLI."""
        return self.census.counters.of_kind("cost_usd")

    @property
    def decisions(self) -> Mapping[str, float]:
        """Dispatchers' decisions by what came of them: see `StepOutcome`."""
        return {outcome: count for (outcome,), count in self.census.counters.of_kind("decisions").items()}

    @property
    def step_times(self) -> Mapping[tuple[str, ...], Histogram]:
        """How many seconds dispatchers' steps took."""
        return self.census.counters.histograms("steps", STEP_BUCKETS)

    @property
    def forge_requests(self) -> Mapping[tuple[str, ...], float]:
        """Requests of the forge by resource and outcome: `answered`, `not_modified` (free) or `failed`."""
        return self.census.counters.of_kind("forge")

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The forge's quotas; one whose time is over has begun anew."""
        return tuple(
            one if one.reset > self.at else msgspec.structs.replace(one, remaining=one.limit)
            for one in self.census.quotas
        )


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
