"""`/metrics` and `/api/scaling`: figures after real transitions, in text that Prometheus can read."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.store.stores import Stores, later, make_item, make_message, make_spec
from tests.integration.townhall.served import RIGHTS, Served, problem, serving
from tests.relay import Relay
from tests.waiting import wait_until

from tinytown.domain.agent import AgentState
from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.mission import MissionState
from tinytown.runtime.launcher import host_lock
from tinytown.store.address import parse_url
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

CONTRACT = ("tinytown_up", "tinytown_tasks_pending", "tinytown_missions_active")


class Scrape:
    """One answer of `/metrics`, read by Prometheus's own parser."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        """The value of a sample that must be there."""
        return self.samples[name, tuple(sorted(labels.items()))]

    def labels(self, name: str, label: str) -> list[str]:
        """The values of a label."""
        return [dict(labels)[label] for of, labels in self.samples if of == name]


def scrape(served: Served) -> Scrape:
    answer = served.get("/metrics")
    assert answer.status_code == 200, answer.text
    return Scrape(answer.text)


def test_empty_town_has_every_figure_of_the_contract_and_zeros(served: Served) -> None:
    answer = served.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = Scrape(answer.text)
    assert [found(name) for name in CONTRACT] == [1, 0, 0]
    assert found("tinytown_tasks", state="running") == 0
    assert found("tinytown_tasks_ended_total", state="failed") == 0
    assert found("tinytown_event_lag_seconds") == 0


def test_every_family_has_a_name_as_prometheus_wants_it_and_says_what_it_is(served: Served) -> None:
    served.get("/health")
    families = scrape(served).families
    assert all(name.startswith("tinytown_") for name in families)
    assert [name for name, family in families.items() if not family.documentation.endswith(".")] == []
    counters = {name for name, family in families.items() if family.type == "counter"}
    assert [s.name for name in counters for s in families[name].samples if not s.name.endswith("_total")] == []
    assert [name for name, family in families.items() if family.type == "gauge" and name.endswith("_total")] == []
    assert [name for name in families if name.endswith("_created")] == []


def test_task_is_seen_from_when_it_is_given_until_it_failed(served: Served) -> None:
    town = served.stores
    agent = town.agent("backend", cli="claude")
    lease = town.host()
    town.tasks.assign(make_spec(), agent, later(0))
    given = scrape(served)
    assert (given("tinytown_tasks_pending"), given("tinytown_tasks", state="assigned")) == (1, 1)
    assert given("tinytown_inbox_messages", agent="backend") == 1
    assert given("tinytown_agents", state="idle") == 1

    town.claim(lease, agent)
    run = scrape(served)
    assert (run("tinytown_tasks_pending"), run("tinytown_tasks", state="running")) == (0, 1)
    assert (run("tinytown_agents", state="working"), run("tinytown_queue_depth")) == (1, 1)

    town.finish(lease, agent, "failed", at=later(90), tokens=1500, cost_usd=0.125)
    over = scrape(served)
    labels = {"cli": "claude", "outcome": "failed"}
    assert over("tinytown_tasks_ended_total", state="failed") == 1
    assert over("tinytown_agent_runs_total", **labels) == 1
    assert over("tinytown_agent_run_duration_seconds_sum", **labels) == 90
    assert over("tinytown_agent_run_duration_seconds_bucket", **labels, le="60") == 0
    assert over("tinytown_agent_run_duration_seconds_bucket", **labels, le="120") == 1
    assert over("tinytown_agent_run_duration_seconds_count", **labels) == 1
    assert (over("tinytown_tokens_total", cli="claude"), over("tinytown_cost_usd_total", cli="claude")) == (1500, 0.125)
    assert over("tinytown_queue_depth") == 0


def test_mission_is_seen_with_what_of_it_could_be_begun(served: Served) -> None:
    town = served.stores
    mission_id = town.mission(make_item("item-1"), make_item("item-2", key="#2"))
    found = scrape(served)
    assert (found("tinytown_missions_active"), found("tinytown_missions", state="running")) == (1, 1)
    assert found("tinytown_work_items_startable") == 2
    assert found("tinytown_event_lag_seconds") > 0  # it is due, and no dispatcher runs

    seen = town.read(mission_id)
    town.commit(seen, mission=msgspec.structs.replace(seen.mission, state=MissionState.COMPLETED))
    over = scrape(served)
    assert (over("tinytown_missions_active"), over("tinytown_missions", state="completed")) == (0, 1)
    assert (over("tinytown_work_items_startable"), over("tinytown_event_lag_seconds")) == (0, 0)


def test_labels_from_outside_are_escaped_and_bounded(served: Served) -> None:
    odd = 'a "role"\\with\nlines'
    served.stores.agent("odd", role=odd)
    assert scrape(served)("tinytown_agents_by_role", role=odd) == 1

    for number in range(120):
        served.stores.agent(f"agent-{number:03}")
    found = scrape(served)
    assert found("tinytown_agents_by_role", role="other") == 101
    assert len(found.labels("tinytown_agents_by_role", "role")) == 21
    assert len(found.labels("tinytown_inbox_messages", "agent")) == 101


def test_inboxes_are_shown_with_the_conductors_first(served: Served) -> None:
    agent = served.stores.agent("backend")
    for receiver in (CONDUCTOR, CONDUCTOR, agent):
        served.stores.inbox.send(make_message(receiver))
    found = scrape(served)
    assert found("tinytown_inbox_messages", agent="conductor") == 2
    assert found("tinytown_inboxes_messages") == 3
    assert found("tinytown_inbox_oldest_message_age_seconds") > 0


def test_requests_are_counted_by_route_and_not_by_path(served: Served) -> None:
    for path in ("/v1/town", "/v1/town", "/no/such/path", "/v1/agents/nobody/inbox"):
        served.get(path)
    served.client.request("PROPFIND", "/v1/town")
    found = scrape(served)
    assert found("tinytown_http_requests_total", method="GET", route="/v1/town", status="2xx") == 2
    assert found("tinytown_http_request_duration_seconds_count", method="GET", route="/v1/town") == 2
    assert found("tinytown_http_requests_total", method="GET", route="none", status="4xx") == 1
    assert found("tinytown_http_requests_total", method="OTHER", route="none", status="4xx") == 1
    assert [route for route in found.labels("tinytown_http_requests_total", "route") if "nobody" in route] == []


def test_readers_of_events_are_counted_while_they_read(served: Served) -> None:
    def readers() -> float:
        return scrape(served)("tinytown_event_stream_readers")

    with served.client.stream("GET", "/v1/events") as answer:
        assert answer.status_code == 200
        wait_until(lambda: readers() == 1, "the reader is counted")
    wait_until(lambda: readers() == 0, "the reader is counted no more")
    found = scrape(served)
    assert found("tinytown_http_requests_total", method="GET", route="/v1/events", status="2xx") == 1
    assert "/v1/events" not in found.labels("tinytown_http_request_duration_seconds_count", "route")


@pytest.mark.parametrize("path", ["/metrics", "/api/scaling"])
def test_figures_need_the_right_to_read(served: Served, path: str) -> None:
    problem(served.client.get(path, headers={RIGHTS: "none"}), 403, "missing-scope")
    assert served.client.get(path, headers={RIGHTS: "town.read"}).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/api/scaling"])
@pytest.mark.parametrize("size", [1, 40])
def test_figures_take_one_round_trip_whatever_the_size_of_the_town(
    connection: Connection, keys: Keys, redis_url: str, tmp_path: Path, size: int, path: str
) -> None:
    stores = Stores(connection, keys)
    for number in range(size):
        stores.agent(f"agent-{number}")
        stores.mission(make_item())
    root = tmp_path / "shop"
    root.mkdir()
    name = keys.prefix.removeprefix("tt:")
    with Relay(tmp_path, parse_url(redis_url).path) as relay:
        (root / "tinytown.toml").write_text(f'[town]\nname = "{name}"\n[redis]\nurl = "{relay.url}"\n')
        environ = {"PATH": "/usr/bin", "HOME": str(tmp_path)}
        with host_lock(root / ".tt"), serving(root, environ, stores) as served:
            served.ok("GET", "/api/scaling")  # opens the connection, and looks at the layout
            before = relay.sent
            assert served.get(path).status_code == 200
            assert relay.sent - before == 1


def test_scaling_follows_the_work(served: Served) -> None:
    town = served.stores

    def signal() -> dict[str, object]:
        found: dict[str, object] = served.ok("GET", "/api/scaling")
        return {name: value for name, value in found.items() if name not in {"town", "timestamp"}}

    assert signal() == {
        "queue_depth": 0,
        "pending_tasks": 0,
        "in_flight_tasks": 0,
        "startable_items": 0,
        "active_agents": 0,
        "cold_agents": 0,
        "desired_agents": 0,
        "max_agents": 10,
        "scaling_recommendation": "steady",
    }
    mission_id = town.mission(make_item("item-1"), make_item("item-2", key="#2"))
    assert (signal()["desired_agents"], signal()["scaling_recommendation"]) == (2, "scale_up")

    agent, idle = town.agent("backend"), town.agent("rev")
    lease = town.host()
    task = town.give(mission_id, agent)
    town.claim(lease, agent)
    found = signal()
    assert (found["pending_tasks"], found["in_flight_tasks"], found["active_agents"]) == (0, 1, 2)

    town.missions.delete(mission_id, later(0), is_forced=True, reason="over")
    assert signal()["scaling_recommendation"] == "scale_down"  # the run is not over, though its task is
    town.finish(lease, agent, "dropped")
    assert signal()["scaling_recommendation"] == "scale_to_zero"

    town.agents.move(idle, AgentState.STOPPED, later(1))
    town.hosts.close(lease, later(2))
    found = signal()
    assert (found["active_agents"], found["cold_agents"], found["scaling_recommendation"]) == (0, 1, "steady")
    assert town.tasks.get(task).state.value == "cancelled"


def test_scrapes_at_the_same_time_are_all_answered(served: Served) -> None:
    served.stores.agent("backend")
    seen: list[float] = []
    threads = [
        threading.Thread(target=lambda: seen.append(scrape(served)("tinytown_agents", state="starting")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [1] * 8
