"""Figures in Prometheus's text format. Names, types and labels are listed in docs/metrics.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from tinytown.services.figures import Figures, Histogram
from tinytown.townhall.traffic import BUCKETS, Timing, Traffic

Words = TypeVar("Words", bound=tuple[str, ...])

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
INBOXES_SHOWN = 100
"""Inboxes that are shown one by one, in order of the agents' names."""
ROLES_SHOWN = 20
"""Roles that are shown one by one, in order of name; roles are free text."""
OTHER = "other"


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the process itself."""

    version: str
    uptime_secs: float
    traffic: Traffic


def exposition(figures: Figures, server: Server) -> bytes:
    """The text that `/metrics` answers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(figures, server))
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, figures: Figures, server: Server) -> None:
        self._figures = figures
        self._server = server

    def collect(self) -> Iterator[Metric]:
        yield from _of_server(self._server)
        yield from _of_work(self._figures)
        yield from _of_agents(self._figures)
        yield from _of_inboxes(self._figures)
        yield from _of_dispatchers(self._figures)
        yield from _of_forge(self._figures)


def _of_server(server: Server) -> Iterator[Metric]:
    yield _gauge("tinytown_up", "1 as long as the server answers at all.", 1)
    build = {(server.version,): 1}
    yield _gauges("tinytown_build_info", "Always 1; the version of the program is a label.", ("version",), build)
    yield _gauge("tinytown_uptime_seconds", "Time since the server process started.", server.uptime_secs)
    yield _counters(
        "tinytown_http_requests",
        "Requests that were answered, by method, template of the route, and class of the status.",
        ("method", "route", "status"),
        server.traffic.requests(),
    )
    yield _timings(
        "tinytown_http_request_duration_seconds",
        "Time from a request to the end of its answer, without streams of events.",
        server.traffic.timings(),
    )
    yield _gauge("tinytown_event_stream_readers", "Who reads a stream of events now.", server.traffic.readers)


def _of_work(figures: Figures) -> Iterator[Metric]:
    census = figures.census
    yield _gauge(
        "tinytown_tasks_pending", "Tasks that wait, in the backlog and in agents' inboxes.", census.pending_tasks
    )
    open_tasks = {
        ("pending",): census.backlog,
        ("assigned",): census.assigned_tasks,
        ("running",): census.in_flight_tasks,
    }
    yield _gauges("tinytown_tasks", "Tasks that have not ended, by state.", ("state",), open_tasks)
    ended = {(state,): figures.tasks.get(state, 0) for state in ("completed", "failed", "cancelled")}
    yield _counters("tinytown_tasks_ended", "Tasks that ended, by the state they ended in.", ("state",), ended)
    given = {(): figures.tasks.get("assigned", 0)}
    yield _counters("tinytown_tasks_assigned", "Times that a task was given to an agent.", (), given)
    yield _gauge("tinytown_backlog_tasks", "Tasks that wait in the backlog for any agent.", census.backlog)
    yield _gauge("tinytown_missions_active", "Missions that are planning, running or blocked.", census.active_missions)
    missions = {(state.value,): count for state, count in census.missions.items()}
    yield _gauges("tinytown_missions", "Missions by state.", ("state",), missions)
    yield _gauge(
        "tinytown_work_items_startable", "Items of missions that wait for an agent alone.", census.startable_items
    )
    yield _gauge("tinytown_queue_depth", "Tasks that wait or run, and startable items.", figures.queue_depth)
    checks = {("queued",): census.queued_checks, ("running",): census.running_checks}
    yield _gauges("tinytown_checks", "Checks of the local forge, by state.", ("state",), checks)


def _of_agents(figures: Figures) -> Iterator[Metric]:
    states = {(state,): count for state, count in figures.agents_by_state.items()}
    yield _gauges("tinytown_agents", "Agents by state.", ("state",), states)
    yield _gauges(
        "tinytown_agents_by_role",
        "Agents that are not stopped or broken, by role.",
        ("role",),
        _bounded(figures.agents_by_role, ROLES_SHOWN),
    )
    yield _counters("tinytown_agent_runs", "Runs that ended, by CLI and outcome.", ("cli", "outcome"), figures.runs)
    yield _histograms(
        "tinytown_agent_run_duration_seconds",
        "How long runs took, by CLI and outcome.",
        ("cli", "outcome"),
        figures.run_times,
    )
    yield _counters("tinytown_tokens", "Tokens that runs used, as CLIs tell, by CLI.", ("cli",), figures.tokens)
    yield _counters(
        "tinytown_cost_usd", "What runs cost in US dollars, as CLIs tell, by CLI.", ("cli",), figures.cost_usd
    )
    yield _gauge("tinytown_hosts_alive", "Hosts of agents that renew their lease.", figures.census.hosts_alive)


def _of_inboxes(figures: Figures) -> Iterator[Metric]:
    inboxes = figures.inboxes
    shown = {(name,): inbox.length for name, inbox in list(inboxes.items())[: INBOXES_SHOWN + 1]}
    yield _gauges("tinytown_inbox_messages", "Messages in an inbox, also those a run has.", ("agent",), shown)
    everything = sum(inbox.length for inbox in inboxes.values())
    yield _gauge("tinytown_inboxes_messages", "Messages in all inboxes.", everything)
    yield _gauge(
        "tinytown_inbox_oldest_message_age_seconds",
        "Age of the oldest message in any agent's inbox; 0 without messages.",
        figures.oldest_message_secs,
    )


def _of_dispatchers(figures: Figures) -> Iterator[Metric]:
    alive = sum(one.is_alive for one in figures.dispatchers)
    yield _gauge("tinytown_dispatchers_alive", "Dispatchers whose heartbeat is fresh.", alive)
    yield _histograms(
        "tinytown_dispatcher_step_duration_seconds",
        "How long one decision about a mission took, its commit included, what is done outside not.",
        (),
        figures.step_times,
    )
    refused = {(reason,): figures.decisions.get(reason, 0) for reason in ("stale", "lease", "conflict")}
    yield _counters(
        "tinytown_commit_conflicts",
        "Decisions that were refused because the mission (stale), its lease or an agent (conflict) had moved on.",
        ("reason",),
        refused,
    )
    failed = {(): figures.decisions.get("failed", 0)}
    yield _counters("tinytown_dispatcher_step_failures", "Decisions that an error kept from being made.", (), failed)
    yield _gauge(
        "tinytown_event_lag_seconds",
        "How long the mission that waits longest has been due without a dispatcher being done with it.",
        figures.event_lag_secs,
    )


def _of_forge(figures: Figures) -> Iterator[Metric]:
    yield _counters(
        "tinytown_forge_requests",
        "Requests made of the forge for missions, by resource and outcome.",
        ("resource", "outcome"),
        figures.forge_requests,
    )
    names = ("resource",)
    quotas = figures.quotas
    remaining = {(one.resource,): one.remaining for one in quotas}
    yield _gauges("tinytown_forge_quota_remaining", "Requests that the forge still allows.", names, remaining)
    limits = {(one.resource,): one.limit for one in quotas}
    yield _gauges("tinytown_forge_quota_limit", "Requests that the forge allows at all.", names, limits)
    resets = {(one.resource,): one.reset.timestamp() for one in quotas}
    yield _gauges("tinytown_forge_quota_reset_timestamp_seconds", "When the forge's quota begins anew.", names, resets)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)


def _gauges(name: str, told: str, labels: Sequence[str], values: Mapping[Words, float]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family


def _counters(name: str, told: str, labels: Sequence[str], values: Mapping[Words, float]) -> Metric:
    family = CounterMetricFamily(name, told, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family


def _histograms(name: str, told: str, labels: Sequence[str], found: Mapping[Words, Histogram]) -> Metric:
    family = HistogramMetricFamily(name, told, labels=labels)
    for of, one in found.items():
        family.add_metric(of, buckets=list(one.buckets), sum_value=one.sum)
    return family


def _timings(name: str, told: str, found: Mapping[tuple[str, str], Timing]) -> Metric:
    family = HistogramMetricFamily(name, told, labels=("method", "route"))
    for of, timing in found.items():
        buckets, total = [], 0
        for bound in BUCKETS:
            total += timing.fits[bound]
            buckets.append((f"{bound:g}", float(total)))
        buckets.append(("+Inf", float(timing.count)))
        family.add_metric(of, buckets=buckets, sum_value=timing.sum_secs)
    return family


def _bounded(values: Mapping[str, int], limit: int) -> dict[tuple[str, ...], float]:
    """The first values one by one, all others as one."""
    names = sorted(values)
    found: dict[tuple[str, ...], float] = {(name,): values[name] for name in names[:limit]}
    for name in names[limit:]:
        found[(OTHER,)] = found.get((OTHER,), 0) + values[name]
    return found
