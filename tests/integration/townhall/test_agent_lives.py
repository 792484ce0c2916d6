"""Stopping, pausing, restarting and clearing away agents, and recovery, over REST."""

from __future__ import annotations

import pytest
from tests.integration.store.stores import NOW
from tests.integration.townhall.served import RIGHTS, Served, problem

from tinytown.domain.agent import AgentState


def _idle(served: Served, *names: str) -> list[str]:
    ids = [served.stores.agent(name) for name in names]
    served.stores.host()
    return ids


def _stopped(served: Served, name: str) -> str:
    (agent_id,) = _idle(served, name)
    served.stores.agents.move(agent_id, AgentState.STOPPED, NOW)
    return agent_id


def _detail(served: Served, name: str) -> str:
    return str(served.ok("GET", f"/v1/agents/{name}")["detail_state"])


def test_an_agent_is_interrupted_and_resumed(served: Served) -> None:
    _idle(served, "backend")
    assert served.ok("POST", "/v1/agents/backend/interrupt") == {"status": "paused", "agent": "backend"}
    assert served.ok("GET", "/v1/agents/backend")["state"] == "Idle"
    problem(served.post("/v1/agents/backend/interrupt"), 409, "conflict")
    resumed = served.ok("POST", "/v1/agents/Backend/resume")
    assert resumed == {"status": "idle", "agent": "backend", "limited_until": None}
    problem(served.post("/v1/agents/backend/resume"), 409, "conflict")


def test_an_agent_with_nothing_to_do_is_closed_at_once(served: Served) -> None:
    _idle(served, "backend")
    assert served.ok("POST", "/v1/agents/backend/close") == {"status": "stopped", "agent": "backend"}
    problem(served.post("/v1/agents/backend/close"), 409, "conflict")


def test_an_agent_that_stopped_is_started_anew_and_one_that_is_there_is_not(served: Served) -> None:
    _stopped(served, "backend")
    assert served.ok("POST", "/v1/agents/backend/restart") == {"status": "starting", "agent": "backend"}
    served.stores.host("host-2")
    problem(served.post("/v1/agents/backend/restart"), 409, "conflict")


@pytest.mark.parametrize("what", ["kill", "restart", "interrupt", "resume", "close"])
def test_an_agent_that_is_not_there_is_404(served: Served, what: str) -> None:
    problem(served.post(f"/v1/agents/nobody/{what}"), 404, "not-found")


def test_agents_that_stopped_are_pruned_unless_they_have_work(served: Served) -> None:
    busy, _ = _idle(served, "busy", "free")
    served.ok("POST", "/v1/tasks/assign", {"agent": "busy", "task": "x"}, 201)
    for name in ("busy", "free"):
        served.ok("POST", f"/v1/agents/{name}/kill")
    found = served.ok("POST", "/v1/agents/prune", {})
    assert (found["removed"], found["agents"], found["moved"]) == (1, ["free"], 0)
    assert [one["agent"] for one in found["kept"]] == ["busy"]
    assert served.ok("GET", "/v1/agents/busy")["id"] == busy

    found = served.ok("POST", "/v1/agents/prune", {"all": True})
    assert (found["agents"], found["moved"]) == (["busy"], 1)
    assert served.ok("GET", "/v1/backlog")["count"] == 1


def test_pruning_needs_a_body_as_the_contract_has_it(served: Served) -> None:
    problem(served.post("/v1/agents/prune"), 400, "invalid-input")
    assert problem(served.post("/v1/agents/prune", {"all": "yes"}), 400, "invalid-input")["errors"][0]["field"] == (
        "body.all"
    )


def test_recovering_twice_changes_nothing_more(served: Served) -> None:
    _idle(served, "backend")
    for _ in range(2):
        found = served.ok("POST", "/v1/recover")
        assert found == {"checked": 1, "recovered": 0, "agents": [], "elsewhere": []}


def test_work_of_agents_that_are_gone_is_counted_and_then_reclaimed(served: Served) -> None:
    _idle(served, "gone", "there")
    served.ok("POST", "/v1/tasks/assign", {"agent": "gone", "task": "x"}, 201)
    served.ok("POST", "/v1/agents/gone/kill")
    counted = served.ok("POST", "/v1/reclaim")
    assert (counted["reclaimed"], counted["destination"], counted["found"]["tasks"]) == (0, "none", 1)
    moved = served.ok("POST", "/v1/reclaim", {"to": "there", "from": "gone"})
    assert (moved["reclaimed"], moved["destination"], moved["agents"]) == (1, "there", ["gone"])
    assert served.ok("GET", "/v1/tasks/pending")["tasks"][0]["agent_name"] == "there"
    assert served.ok("POST", "/v1/reclaim", {"to_backlog": True, "from": "there"})["destination"] == "backlog"
    assert served.ok("GET", "/v1/backlog")["count"] == 1


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"to": "nobody"}, 404, "not-found"),
        ({"from": "nobody"}, 404, "not-found"),
        ({"to": "one", "to_backlog": True}, 400, "invalid-input"),
        ({"to": "one", "from": "one"}, 400, "invalid-input"),
        ({"to": 5}, 400, "invalid-input"),
    ],
)
def test_work_that_cannot_be_reclaimed_is_refused(
    served: Served, body: dict[str, object], status: int, slug: str
) -> None:
    _idle(served, "one")
    found = problem(served.post("/v1/reclaim", body), status, slug)
    assert status != 400 or found["errors"][0]["field"] == "body.to"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("reclaim", {"to_backlog": True, "from_agent": "there"}, "from_agent"),
        ("reclaim", {"to_backlog": True, "source": "there"}, "source"),
        ("agents/prune", {"all": True, "agents": ["gone"]}, "agents"),
    ],
)
def test_a_field_that_is_not_known_does_not_widen_what_is_taken(
    served: Served, path: str, body: dict[str, object], field: str
) -> None:
    _idle(served, "gone", "there")
    served.ok("POST", "/v1/tasks/assign", {"agent": "gone", "task": "x"}, 201)
    served.ok("POST", "/v1/agents/gone/kill")
    found = problem(served.post(f"/v1/{path}", body), 400, "invalid-input")
    assert found["errors"] == [{"field": f"body.{field}", "message": "is not known here; leave it out"}]
    assert served.ok("POST", "/v1/reclaim")["found"]["tasks"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/v1/agents/prune",
        "/v1/agents/x/kill",
        "/v1/agents/x/restart",
        "/v1/agents/x/interrupt",
        "/v1/agents/x/resume",
        "/v1/agents/x/close",
        "/v1/recover",
        "/v1/reclaim",
    ],
)
def test_directing_agents_needs_its_scope(served: Served, path: str) -> None:
    refused = served.client.post(path, headers={RIGHTS: "town.read town.write"})
    assert "agent.manage" in problem(refused, 403, "missing-scope")["detail"]
    assert served.client.post(path, headers={RIGHTS: "agent.manage"}).status_code in {200, 400, 404}


def test_an_agent_called_prune_is_reached_by_its_id(served: Served) -> None:
    (agent_id,) = _idle(served, "prune")
    assert served.get("/v1/agents/prune").headers["allow"] == "OPTIONS, POST"
    assert served.ok("GET", f"/v1/agents/{agent_id}")["name"] == "prune"
    assert _detail(served, agent_id) == "idle"
