"""The examples in deploy/ and the lists in docs/metrics.md, held against a server that runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.store.stores import NOW, later, make_item, make_spec
from tests.integration.townhall.served import Served

from tinytown.config.settings import AgentSettings
from tinytown.store.forge_quota import QuotaNote, QuotaStore, token_keys

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "metrics.md").read_text("utf-8")


@pytest.fixture(scope="module")
def documents() -> dict[str, dict[str, Any]]:
    """The documents of the KEDA example by kind."""
    text = (ROOT / "deploy" / "keda-scaledobject.yaml").read_text("utf-8")
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def test_keda_asks_for_a_value_that_is_in_the_answer(served: Served, documents: dict[str, dict[str, Any]]) -> None:
    (trigger,) = documents["ScaledObject"]["spec"]["triggers"]
    asked = trigger["metadata"]
    assert trigger["type"] == "metrics-api"
    path = re.sub(r"^https://[^/]+", "", asked["url"])
    served.stores.mission(make_item())
    answer = served.ok("GET", path)
    assert answer[asked["valueLocation"]] == 1
    assert (asked["targetValue"], asked["activationTargetValue"]) == ("1", "0")


def test_keda_has_its_key_from_a_secret(documents: dict[str, dict[str, Any]]) -> None:
    spec = documents["ScaledObject"]["spec"]
    (trigger,) = spec["triggers"]
    (given,) = documents["TriggerAuthentication"]["spec"]["secretTargetRef"]
    assert trigger["metadata"]["authMode"] == "bearer"
    assert trigger["authenticationRef"]["name"] == documents["TriggerAuthentication"]["metadata"]["name"]
    assert (given["parameter"], given["name"]) == ("token", documents["Secret"]["metadata"]["name"])
    assert given["key"] in documents["Secret"]["stringData"]


def test_keda_allows_as_many_replicas_as_the_default_asks_for(documents: dict[str, dict[str, Any]]) -> None:
    assert documents["ScaledObject"]["spec"]["maxReplicaCount"] == AgentSettings().max_agents


def test_prometheus_scrapes_what_is_served(served: Served) -> None:
    text = (ROOT / "deploy" / "prometheus-scrape.yaml").read_text("utf-8")
    (job,) = yaml.safe_load(text)["scrape_configs"]
    assert served.get(job["metrics_path"]).status_code == 200
    assert job["authorization"]["type"] == "Bearer"


def test_page_lists_every_metric_with_its_type_and_labels(served: Served) -> None:
    town = served.stores
    agent = town.agent("backend")
    lease = town.host()
    town.tasks.assign(make_spec(), agent, NOW)
    town.claim(lease, agent)
    town.finish(lease, agent, "failed", at=later(5), tokens=5, cost_usd=0.5)
    town.due()
    town.dispatchers.leave("d1", steps=1, took=[(0.002, "decided")])
    token = town.keys.prefix.replace(":", "-")
    QuotaStore(town.connection).count(town.keys, "gone", ("sent", "core"), token=token)
    quota = QuotaNote(limit=5000, remaining=4000, reset=later(600))
    QuotaStore(town.connection).note(token_keys(token), "core", is_accepted=True, quota=quota, at=NOW)
    try:
        served.get("/health")
        text = served.get("/metrics").text
    finally:
        town.connection.execute("DEL", token_keys(token)("quota", "core"))

    rows = re.findall(r"^\| `(tinytown_\w+)` \| (\w+) \|([^|]*)\|", PAGE, re.MULTILINE)
    listed = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    found = {}
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = (family.type, {label for s in family.samples for label in s.labels} - {"le"})
    assert found == listed


def test_page_lists_every_field_of_the_scaling_signal(served: Served) -> None:
    answer = served.ok("GET", "/api/scaling")
    section = PAGE[PAGE.index("## Scaling") :]
    assert [name for name in answer if name not in {"town", "timestamp"} and f"`{name}`" not in section] == []
    contract = {
        "town",
        "timestamp",
        "queue_depth",
        "pending_tasks",
        "in_flight_tasks",
        "active_agents",
        "cold_agents",
        "desired_agents",
        "max_agents",
        "scaling_recommendation",
    }
    assert contract - set(answer) == set()
