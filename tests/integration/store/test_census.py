"""The census: what is counted is what happened, at one moment and in one round trip."""

from __future__ import annotations

import msgspec
import pytest
from tests.integration.store.stores import NOW, Stores, later, make_item, make_message, make_mission, make_spec
from tests.relay import Relay

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import StaleError
from tinytown.domain.ids import CONDUCTOR, new_id
from tinytown.domain.message import MessageKind
from tinytown.domain.mission import MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.task import Report
from tinytown.domain.workitem import WorkStatus
from tinytown.store.address import parse_url
from tinytown.store.census import Census, CensusStore
from tinytown.store.connection import connect
from tinytown.store.counters import RUN_BUCKETS, STEP_BUCKETS
from tinytown.store.dispatchers import Dispatcher, Took
from tinytown.store.forge_quota import QuotaNote, QuotaStore, token_keys


def count(town: Stores) -> Census:
    return CensusStore(town.connection, town.keys).read()


def hosted(town: Stores) -> tuple[str, str]:
    """Two agents that are idle; their ids."""
    agents = town.agent("backend"), town.agent("rev", cli="claude")
    town.host()
    return agents


def test_empty_town_counts_nothing(town: Stores) -> None:
    census = count(town)
    assert (census.agents, census.pending_tasks, census.in_flight_tasks) == ((), 0, 0)
    assert (census.active_missions, census.startable_items, census.first_due) == (0, 0, None)
    assert dict.fromkeys(MissionState, 0) == census.missions
    assert (census.hosts, census.dispatchers, census.quotas, census.counters.values) == (0, (), (), {})
    assert (census.conductor.length, census.conductor.oldest_at) == (0, None)


def test_tasks_are_counted_where_they_are(town: Stores) -> None:
    backend, _ = hosted(town)
    for _ in range(3):
        town.tasks.assign(make_spec(), backend, NOW)
    assert (count(town).pending_tasks, count(town).in_flight_tasks) == (3, 0)

    town.hosts.claim(town.host(), backend, "run-1", NOW)
    assert (count(town).pending_tasks, count(town).in_flight_tasks) == (2, 1)
    assert count(town).counters.of_kind("tasks") == {("assigned",): 3}


def test_task_that_was_taken_back_from_its_run_is_not_in_flight(town: Stores) -> None:
    backend, _ = hosted(town)
    lease = town.host()
    mission_id = town.mission(make_item())
    task = town.give(mission_id, backend)
    town.claim(lease, backend)
    town.commit(town.read(mission_id), cancelled=[(task, "not wanted")])

    census = count(town)
    assert (census.in_flight_tasks, census.assigned_tasks) == (0, 0)
    assert census.counters.of_kind("tasks") == {("assigned",): 1, ("cancelled",): 1}


def test_runs_are_counted_by_cli_and_outcome_with_their_time_tokens_and_cost(town: Stores) -> None:
    _, rev = hosted(town)
    lease = town.host()
    town.tasks.assign(make_spec(), rev, NOW)
    town.claim(lease, rev, "run-1")
    town.finish(lease, rev, "retry", at=later(40), tokens=1200, cost_usd=0.25)
    town.claim(lease, rev, "run-2", at=later(50))
    town.finish(lease, rev, "completed", run="run-2", at=later(51), tokens=300, cost_usd=0.5)

    counters = count(town).counters
    assert counters.of_kind("runs") == {("claude", "completed"): 1, ("claude", "retry"): 1}
    assert counters.of_kind("tokens") == {("claude",): 1500}
    assert counters.of_kind("cost_usd") == {("claude",): 0.75}
    assert counters.of_kind("tasks") == {("assigned",): 1, ("completed",): 1}
    times = counters.histograms("run_secs", RUN_BUCKETS)
    retried = dict(times["claude", "retry"].buckets)
    assert (times["claude", "retry"].sum, retried["30"], retried["60"], retried["+Inf"]) == (40, 0, 1, 1)
    assert times["claude", "completed"].buckets[0] == ("1", 1)


def test_end_of_a_run_that_is_told_twice_counts_once(town: Stores) -> None:
    backend, _ = hosted(town)
    lease = town.host()
    town.tasks.assign(make_spec(), backend, NOW)
    town.claim(lease, backend)
    for _ in range(2):
        town.finish(lease, backend, "failed", at=later(5), tokens=10)

    assert count(town).counters.of_kind("runs") == {("demo", "failed"): 1}
    assert count(town).counters.of_kind("tokens") == {("demo",): 10}


def test_run_whose_host_died_is_counted_as_lost(town: Stores) -> None:
    backend, _ = hosted(town)
    town.tasks.assign(make_spec(), backend, NOW)
    town.claim(town.host(), backend)
    town.hosts.open("host-2", "here", {"pid": "2"}, later(60))

    assert count(town).counters.of_kind("runs") == {("demo", "lost"): 1}


def test_missions_are_counted_in_the_state_they_are_in(town: Stores) -> None:
    first, second = town.mission(make_item()), town.mission(make_item())
    assert (count(town).missions[MissionState.RUNNING], count(town).active_missions) == (2, 2)

    seen = town.read(first)
    town.commit(seen, mission=msgspec.structs.replace(seen.mission, state=MissionState.COMPLETED))
    census = count(town)
    assert (census.missions[MissionState.RUNNING], census.missions[MissionState.COMPLETED]) == (1, 1)
    assert census.active_missions == 1

    town.missions.delete(first, NOW, is_forced=False, reason="over")
    town.missions.delete(second, NOW, is_forced=True, reason="over")
    assert dict.fromkeys(MissionState, 0) == count(town).missions
    assert count(town).startable_items == 0


def test_refused_commit_leaves_a_mission_counted_where_it_was(town: Stores) -> None:
    mission_id = town.mission(make_item())
    seen = town.read(mission_id)
    town.commit(seen)
    with pytest.raises(StaleError):
        town.commit(seen, mission=msgspec.structs.replace(seen.mission, state=MissionState.FAILED))
    assert (count(town).missions[MissionState.RUNNING], count(town).missions[MissionState.FAILED]) == (1, 0)


def test_items_are_startable_within_the_missions_limit_while_it_is_not_stopped(town: Stores) -> None:
    items = [make_item(f"item-{n}", key=f"#{n}") for n in range(5)]
    mission_id = town.mission(*items, policy=MissionPolicy(max_parallel_items=3))
    assert count(town).startable_items == 3

    busy = msgspec.structs.replace(items[0], status=WorkStatus.RUNNING, mission_id=mission_id)
    town.commit(town.read(mission_id), items=[busy])
    assert count(town).startable_items == 2

    seen = town.read(mission_id)
    town.commit(seen, mission=msgspec.structs.replace(seen.mission, is_paused=True))
    assert count(town).startable_items == 0


def test_inboxes_are_counted_with_the_age_of_their_oldest_message(town: Stores) -> None:
    backend, _ = hosted(town)
    town.inbox.send(make_message(backend, sent_at=later(5)))
    town.inbox.send(make_message(backend, sent_at=later(9), is_urgent=True))
    town.inbox.send(make_message(CONDUCTOR, kind=MessageKind.INFO, sent_at=later(1)))

    census = count(town)
    assert {agent.name: agent.inbox.length for agent in census.agents} == {"backend": 2, "rev": 0}
    assert census.agents[0].inbox.oldest_at == later(5)
    assert (census.conductor.length, census.conductor.oldest_at) == (1, later(1))


def test_agents_are_counted_with_state_and_role(town: Stores) -> None:
    _, rev = hosted(town)
    town.agents.move(rev, AgentState.PAUSED, NOW)
    assert [(agent.role, agent.cli, agent.state.value) for agent in count(town).agents] == [
        ("backend", "demo", "idle"),
        ("rev", "claude", "paused"),
    ]


def test_first_due_mission_is_known(town: Stores) -> None:
    first, _ = town.mission(make_item()), town.mission(make_item())
    town.commit(town.read(first), due=later(30))
    assert count(town).first_due == NOW


def test_hosts_are_alive_while_they_have_their_lease(town: Stores) -> None:
    town.host("host-1", "here")
    town.host("host-2", "there")
    town.connection.execute("DEL", town.keys("host", "host-2", "lease"))
    assert (count(town).hosts_alive, count(town).hosts) == (1, 2)


def beat(town: Stores, steps: int, *took: Took) -> None:
    record = Dispatcher(id="d1", machine="here", pid=1, started_at=NOW, steps=steps)
    town.dispatchers.beat(record, NOW, took)


def test_steps_of_dispatchers_are_counted_with_their_time_and_what_came_of_them(town: Stores) -> None:
    beat(town, 2, (0.002, "decided"), (0.3, "conflict"))
    beat(town, 3, (0.02, "stale"))

    counters = count(town).counters
    assert counters.of_kind("decisions") == {("conflict",): 1, ("decided",): 1, ("stale",): 1}
    steps = counters.histograms("steps", STEP_BUCKETS)[()]
    buckets = dict(steps.buckets)
    assert (buckets["0.001"], buckets["0.0025"], buckets["0.025"], buckets["0.5"], buckets["+Inf"]) == (0, 1, 2, 3, 3)
    assert steps.sum == pytest.approx(0.322)


def test_steps_that_are_told_again_because_an_answer_was_lost_count_once(town: Stores) -> None:
    beat(town, 1, (0.002, "decided"))
    beat(town, 1, (0.002, "decided"))
    beat(town, 2, (0.002, "decided"), (0.004, "stale"))
    assert count(town).counters.of_kind("decisions") == {("decided",): 1, ("stale",): 1}


def test_last_steps_of_a_dispatcher_that_ends_are_counted_once(town: Stores) -> None:
    beat(town, 0)
    for _ in range(2):
        town.dispatchers.leave("d1", steps=1, took=[(0.002, "decided")])
    assert count(town).counters.of_kind("decisions") == {("decided",): 1}
    assert count(town).dispatchers == ()


def test_requests_of_the_forge_are_counted_by_outcome_with_what_remains(town: Stores) -> None:
    quota, token = QuotaStore(town.connection), f"{town.keys.prefix}-token".replace(":", "-")
    keys = token_keys(token)
    mission_id = town.mission(make_item())
    for fields in (("sent", "core"), ("sent", "core", "free"), ("sent", "failed", "graphql")):
        quota.count(town.keys, mission_id, fields, token=token)
    quota.note(keys, "core", is_accepted=True, quota=QuotaNote(limit=5000, remaining=4321, reset=later(600)), at=NOW)
    try:
        census = count(town)
        assert census.counters.of_kind("forge") == {
            ("core", "answered"): 1,
            ("core", "not_modified"): 1,
            ("graphql", "failed"): 1,
        }
        assert [(q.resource, q.limit, q.remaining, q.reset) for q in census.quotas] == [
            ("core", 5000, 4321, later(600))
        ]
    finally:
        town.connection.execute("DEL", keys("quota", "core"))


def test_requests_made_for_a_mission_that_is_gone_are_in_the_towns_totals(town: Stores) -> None:
    QuotaStore(town.connection).count(town.keys, new_id(), ("sent", "core"), token="t")
    assert count(town).counters.of_kind("forge") == {("core", "answered"): 1}


def test_report_by_a_person_ends_a_task_in_the_totals(town: Stores) -> None:
    backend, _ = hosted(town)
    spec = make_spec()
    town.tasks.assign(spec, backend, NOW)
    town.tasks.report(spec.id, Report.FAILED, NOW, run_id=None)
    assert count(town).counters.of_kind("tasks") == {("assigned",): 1, ("failed",): 1}


def test_mission_of_an_older_version_is_counted_by_state_from_its_next_change_on(town: Stores) -> None:
    mission_id = town.mission(make_item())
    town.connection.execute("DEL", town.keys("mission", "state", "running"), town.keys("mission", "startable"))
    assert (count(town).active_missions, count(town).missions[MissionState.RUNNING]) == (1, 0)

    town.commit(town.read(mission_id))
    assert (count(town).missions[MissionState.RUNNING], count(town).startable_items) == (1, 1)


def test_run_that_began_before_there_were_figures_ends_without_a_time(town: Stores) -> None:
    backend, _ = hosted(town)
    lease = town.host()
    town.tasks.assign(make_spec(), backend, NOW)
    town.claim(lease, backend)
    town.connection.execute("HDEL", town.keys("agent", backend), "run_ms")
    town.finish(lease, backend, "failed", at=later(5))
    counters = count(town).counters
    assert counters.of_kind("runs") == {("demo", "failed"): 1}
    assert counters.histograms("run_secs", RUN_BUCKETS) == {}


@pytest.mark.parametrize("size", [1, 40])
def test_census_is_one_round_trip_whatever_the_size_of_the_town(
    town: Stores, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for number in range(size):
        town.agent(f"agent-{number}")
        town.missions.create(make_mission(), [make_item()], {}, (), NOW)
    with Relay(tmp_path_factory.mktemp("relay"), parse_url(str(town.connection.address)).path) as relay:
        through = connect(relay.url)
        census = CensusStore(through, town.keys)
        census.read()
        before = relay.sent
        assert len(census.read().agents) == size
        assert relay.sent - before == 1
        through.close()
