"""The town, agents, tasks, the backlog and messages over REST."""

from __future__ import annotations

import uuid

import pytest
from tests.integration.townhall.served import RIGHTS, Served, problem

from tinytown.domain.agent import AgentState
from tinytown.domain.message import MessageKind
from tinytown.domain.task import TaskState

NOBODY = "00000000-0000-4000-8000-000000000000"


def _idle(served: Served, *names: str) -> list[str]:
    ids = [served.stores.agent(name) for name in names]
    served.stores.host()
    return ids


def test_the_town_says_which_one_it_is(served: Served) -> None:
    found = served.ok("GET", "/v1/town")
    assert found["name"] == served.stores.keys.prefix.removeprefix("tt:")
    assert found["root"] == str(served.root)
    assert found["redis_url"].startswith("unix:///")


def test_the_status_lists_the_agents_and_says_more_when_asked(served: Served) -> None:
    (backend,) = _idle(served, "backend")
    found = served.ok("GET", "/v1/status")
    assert found["agent_count"] == 1
    assert found["agents"] == [
        {
            "id": backend,
            "name": "backend",
            "cli": "demo",
            "role": "backend",
            "state": "Idle",
            "detail_state": "idle",
            "rounds_completed": 0,
            "tasks_completed": 0,
            "inbox_len": 0,
            "urgent_len": 0,
            "details": None,
        }
    ]
    details = served.ok("GET", "/v1/status?deep=true")["agents"][0]["details"]
    assert details["open_tasks"] == 0
    assert details["task_id"] is None


def test_agents_are_listed_page_by_page(served: Served) -> None:
    _idle(served, "b", "a", "c")
    first = served.ok("GET", "/v1/agents?limit=2")
    assert [agent["name"] for agent in first["agents"]] == ["a", "b"]
    assert first["count"] == 2
    rest = served.ok("GET", f"/v1/agents?limit=2&cursor={first['next_cursor']}")
    assert [agent["name"] for agent in rest["agents"]] == ["c"]
    assert rest["next_cursor"] is None


def test_a_limit_of_nothing_is_400(served: Served) -> None:
    assert problem(served.get("/v1/agents?limit=0"), 400, "invalid-input")["errors"][0]["field"] == "query.limit"


@pytest.mark.parametrize("limit", ["1001", "x", "1_0", "%2B5", "1.0", "-1", " 5", "", "\u0665"])
@pytest.mark.parametrize("query", ["agents?limit", "events?recent", f"missions/{NOBODY}/events?limit"])
def test_a_number_of_the_query_that_is_none_in_digits_or_out_of_bounds_is_400(
    served: Served, query: str, limit: str
) -> None:
    found = problem(served.get(f"/v1/{query}={limit}"), 400, "invalid-input")
    assert found["errors"][0]["field"] == f"query.{query.partition('?')[2]}"


@pytest.mark.parametrize("path", ["/v1/agents", "/v1/status", "/v1/backlog", "/v1/tasks/pending"])
def test_a_cursor_that_is_not_ours_is_400(served: Served, path: str) -> None:
    found = problem(served.get(path, cursor="x"), 400, "invalid-input")
    assert "next_cursor" in found["detail"]
    assert found["errors"] == [{"field": "query.cursor", "message": found["detail"]}]


@pytest.mark.parametrize("nickname", ["two\nlines", "\x87", "\u2028", " "])
def test_a_nickname_that_is_no_line_is_400_and_named(served: Served, nickname: str) -> None:
    answer = served.post("/v1/agents", {"name": "backend", "cli": "demo", "nickname": nickname})
    found = problem(answer, 400, "invalid-input")
    told = "must be one line of letters, digits, spaces and marks, and no spaces around it"
    assert found["errors"] == [{"field": "body.nickname", "message": told}]


def test_an_agent_is_spawned(served: Served) -> None:
    body = {"name": "backend-2", "cli": "demo", "nickname": "Béa (2)", "max_rounds": 3}
    found = served.ok("POST", "/v1/agents", body, 201)
    assert (found["name"], found["cli"], found["role"]) == ("backend-2", "demo", "backend")
    agent = served.stores.agents.get(found["agent_id"])
    assert (agent.spec.nickname, agent.spec.max_rounds) == ("Béa (2)", 3)
    taken = problem(served.post("/v1/agents", body), 409, "already-exists")
    assert taken["errors"] == [{"field": "body.name", "message": taken["detail"]}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.name"),
        ({"name": "-"}, "body.name"),
        ({"name": "a" * 65}, "body.name"),
        ({"name": "a", "cli": None}, "body.cli"),
        ({"name": "a", "max_rounds": 0}, "body.max_rounds"),
        ({"name": "a", "role": "no role"}, "body.role"),
    ],
)
def test_an_agent_that_cannot_be_is_400_with_the_field(served: Served, body: dict[str, object], field: str) -> None:
    assert problem(served.post("/v1/agents", body), 400, "invalid-input")["errors"][0]["field"] == field


def test_an_agent_with_an_unknown_cli_parent_or_reserved_name_is_refused(served: Served) -> None:
    for body, field in (({"name": "a", "cli": "nope"}, "body.cli"), ({"name": "Conductor"}, "body.name")):
        found = problem(served.post("/v1/agents", body), 400, "invalid-input")
        assert found["errors"] == [{"field": field, "message": found["detail"]}]
    reserved = problem(served.post("/v1/agents", {"name": "a", "role": "conductor"}), 400, "invalid-input")
    assert reserved["errors"][0]["field"] == "body.role"
    problem(served.post("/v1/agents", {"name": "a", "cli": "demo", "parent": "nobody"}), 404, "not-found")


def test_an_agent_whose_cli_is_not_installed_here_is_409(served: Served) -> None:
    answer = served.post("/v1/agents", {"name": "a", "cli": "opencode"})
    assert "opencode" in problem(answer, 409, "agent-cli")["detail"]


def test_an_agent_is_found_by_name_id_and_the_beginning_of_it(served: Served) -> None:
    (agent_id,) = _idle(served, "backend")
    for name in ("backend", "BACKEND", agent_id, agent_id[:8]):
        found = served.ok("GET", f"/v1/agents/{name}")
        assert (found["id"], found["details"]["reason"]) == (agent_id, "")
    problem(served.get("/v1/agents/nobody"), 404, "not-found")


def test_an_agent_is_stopped(served: Served) -> None:
    _idle(served, "backend")
    assert served.ok("POST", "/v1/agents/backend/kill") == {"status": "stopped", "agent": "backend"}
    assert served.ok("GET", "/v1/agents/backend")["state"] == "Stopped"
    problem(served.post("/v1/agents/backend/kill"), 409, "conflict")
    problem(served.post("/v1/agents/nobody/kill"), 404, "not-found")
    problem(served.post("/v1/agents/backend/kill", {"force": 1}), 400, "invalid-input")


def test_a_task_is_given_and_waits(served: Served) -> None:
    (agent_id,) = _idle(served, "backend")
    given = served.ok("POST", "/v1/tasks/assign", {"agent": "backend", "task": "Fix it\nsoon", "urgent": True}, 201)
    assert (given["agent_id"], given["agent_name"]) == (agent_id, "backend")
    assert served.stores.inbox.waiting(agent_id)[0].is_urgent
    pending = served.ok("GET", "/v1/tasks/pending")
    assert pending["count"] == 1
    assert pending["tasks"][0] | {"created_at": ""} == {
        "task_id": given["task_id"],
        "description": "Fix it\nsoon",
        "agent_id": agent_id,
        "agent_name": "backend",
        "state": "assigned",
        "created_at": "",
        "mission_id": None,
    }
    one = served.ok("GET", f"/v1/tasks/{given['task_id'].upper()}")
    assert (one["title"], one["instructions"], one["state"]) == ("Fix it", "Fix it\nsoon", "assigned")


def test_a_task_for_nobody_or_for_an_agent_that_stopped_is_refused(served: Served) -> None:
    (agent_id,) = _idle(served, "backend")
    problem(served.post("/v1/tasks/assign", {"agent": "nobody", "task": "x"}), 404, "not-found")
    served.stores.agents.move(agent_id, AgentState.STOPPED, served.stores.agents.get(agent_id).since)
    problem(served.post("/v1/tasks/assign", {"agent": "backend", "task": "x"}), 409, "illegal-transition")


def test_pending_tasks_are_shown_page_by_page(served: Served) -> None:
    _idle(served, *(f"agent-{number}" for number in range(5)))
    given = [
        served.ok("POST", "/v1/tasks/assign", {"agent": f"agent-{number % 5}", "task": f"task {number}"}, 201)[
            "task_id"
        ]
        for number in range(7)
    ]
    first = served.ok("GET", "/v1/tasks/pending?limit=4")
    rest = served.ok("GET", f"/v1/tasks/pending?limit=4&cursor={first['next_cursor']}")
    assert {task["task_id"] for task in first["tasks"] + rest["tasks"]} == set(given)
    assert (first["count"], rest["count"], rest["next_cursor"]) == (4, 3, None)


def test_a_task_is_reported(served: Served) -> None:
    _idle(served, "backend")
    first, second = (
        served.ok("POST", "/v1/tasks/assign", {"agent": "backend", "task": "x"}, 201)["task_id"] for _ in range(2)
    )
    assert served.ok("POST", f"/v1/tasks/{first}/complete", {"result": "done"}) == {
        "task_id": first,
        "status": "completed",
    }
    assert served.ok("POST", f"/v1/tasks/{second}/fail", {"reason": "no"})["status"] == "failed"
    assert served.stores.tasks.get(first).result == "done"
    assert served.stores.tasks.get(second).state is TaskState.FAILED
    problem(served.post(f"/v1/tasks/{first}/complete"), 409, "illegal-transition")
    problem(served.post(f"/v1/tasks/{first}/fail", {}), 400, "invalid-input")


@pytest.mark.parametrize("what", ["complete", "claim"])
@pytest.mark.parametrize(("task_id", "status", "slug"), [("nope", 400, "invalid-input"), (NOBODY, 404, "not-found")])
def test_a_task_that_is_not_there_is_404_and_no_id_400(
    served: Served, what: str, task_id: str, status: int, slug: str
) -> None:
    _idle(served, "backend")
    place = "tasks" if what == "complete" else "backlog"
    body = None if what == "complete" else {"agent": "backend"}
    problem(served.post(f"/v1/{place}/{task_id}/{what}", body), status, slug)
    problem(served.get(f"/v1/tasks/{task_id}"), status, slug)
    problem(served.client.delete(f"/v1/backlog/{task_id}"), status, slug)


def test_the_backlog_is_filled_listed_claimed_and_emptied(served: Served) -> None:
    (agent_id,) = _idle(served, "backend")
    ids = [
        served.ok("POST", "/v1/backlog", {"description": f"do {number}", "tags": ["role:größe"]}, 201)["task_id"]
        for number in range(4)
    ]
    first = served.ok("GET", "/v1/backlog?limit=3")
    rest = served.ok("GET", f"/v1/backlog?limit=3&cursor={first['next_cursor']}")
    assert [item["task_id"] for item in first["backlog"] + rest["backlog"]] == ids
    assert (first["count"], rest["count"], rest["next_cursor"]) == (3, 1, None)
    assert first["backlog"][0]["tags"] == ["role:größe"]

    claimed = served.ok("POST", f"/v1/backlog/{ids[0]}/claim", {"agent": "backend"})
    assert claimed == {"task_id": ids[0], "agent_id": agent_id, "agent_name": "backend"}
    problem(served.post(f"/v1/backlog/{ids[0]}/claim", {"agent": "backend"}), 409, "conflict")
    assert served.ok("DELETE", f"/v1/backlog/{ids[1]}") == {"removed": True, "task_id": ids[1]}
    assert served.ok("POST", "/v1/backlog/assign-all", {"agent": "backend"}) == {
        "assigned": 2,
        "tasks": ids[2:],
        "agent_id": agent_id,
        "agent_name": "backend",
    }
    assert served.ok("GET", "/v1/backlog") == {"backlog": [], "count": 0, "next_cursor": None}
    problem(served.post("/v1/backlog/assign-all", {"agent": "nobody"}), 404, "not-found")


@pytest.mark.parametrize("tags", [[""], ["a\nb"], ["x" * 81], ["x"] * 21, "role:a", [5]])
def test_tags_that_cannot_be_are_400(served: Served, tags: object) -> None:
    found = problem(served.post("/v1/backlog", {"description": "x", "tags": tags}), 400, "invalid-input")
    assert "pattern" not in found["detail"]


@pytest.mark.parametrize(
    ("sender", "shown"),
    [(None, "supervisor"), ("Supervisor", "supervisor"), ("conductor", "conductor"), ("front", "front")],
)
def test_a_message_is_sent_for_whom_it_says(served: Served, sender: str | None, shown: str) -> None:
    backend, _ = _idle(served, "backend", "front")
    said = {} if sender is None else {"from": sender}
    sent = served.ok("POST", "/v1/messages/send", {"to": "Backend", "message": "hi", "kind": "info", **said}, 201)
    assert (sent["to_agent"], sent["urgent"]) == ("backend", False)
    (waiting,) = served.stores.inbox.waiting(backend)
    assert (waiting.id, waiting.sender, waiting.kind) == (sent["message_id"], shown, MessageKind.INFO)


def test_a_message_from_an_agents_id_bears_its_name(served: Served) -> None:
    backend, front = _idle(served, "backend", "front")
    served.ok("POST", "/v1/messages/send", {"to": "backend", "message": "hi", "from": front}, 201)
    assert served.stores.inbox.waiting(backend)[0].sender == "front"


def test_a_message_is_refused_to_and_from_nobody_and_of_no_kind(served: Served) -> None:
    _idle(served, "backend")
    problem(served.post("/v1/messages/send", {"to": "nobody", "message": "hi"}), 404, "not-found")
    problem(served.post("/v1/messages/send", {"to": "backend", "message": "hi", "from": "nobody"}), 404, "not-found")
    for wrong, field in (({"kind": "shout"}, "kind"), ({"from": None}, "from"), ({"urgent": 1}, "urgent")):
        answer = served.post("/v1/messages/send", {"to": "backend", "message": "hi", **wrong})
        assert problem(answer, 400, "invalid-input")["errors"][0]["field"] == f"body.{field}"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_inbox_is_looked_at_and_nothing_is_removed(served: Served, method: str) -> None:
    _idle(served, "backend")
    for text, urgent in (("one\nmore", False), ("now", True), ("x" * 5000, False)):
        served.ok("POST", "/v1/messages/send", {"to": "backend", "message": text, "urgent": urgent}, 201)
    for _ in range(2):
        found = served.ok(method, "/v1/agents/backend/inbox")
        assert (found["agent"], found["total"], found["urgent"]) == ("backend", 3, 1)
        assert [m["summary"][:5] for m in found["messages"]] == ["now", "one", "xxxxx"]
        assert (found["messages"][0]["type"], found["messages"][0]["from"]) == ("task", "supervisor")
        assert len(found["messages"][2]["text"]) == 4000
    first = served.ok(method, "/v1/agents/backend/inbox?limit=2")
    rest = served.ok(method, f"/v1/agents/backend/inbox?cursor={first['next_cursor']}")
    assert (len(first["messages"]), len(rest["messages"]), rest["total"]) == (2, 1, 3)
    problem(served.client.request(method, "/v1/agents/nobody/inbox"), 404, "not-found")


def test_the_conductors_inbox_is_shown_by_either_name(served: Served) -> None:
    served.ok("POST", "/v1/messages/send", {"to": "conductor", "message": "hello"}, 201)
    assert served.ok("GET", "/v1/agents/supervisor/inbox")["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/v1/status", "town.read"),
        ("GET", "/v1/agents", "town.read"),
        ("GET", "/v1/agents/x", "town.read"),
        ("GET", "/v1/agents/x/inbox", "town.read"),
        ("POST", "/v1/agents/x/inbox", "town.read"),
        ("GET", "/v1/tasks/pending", "town.read"),
        ("GET", f"/v1/tasks/{NOBODY}", "town.read"),
        ("GET", "/v1/backlog", "town.read"),
        ("POST", "/v1/tasks/assign", "town.write"),
        ("POST", f"/v1/tasks/{NOBODY}/complete", "town.write"),
        ("POST", f"/v1/tasks/{NOBODY}/fail", "town.write"),
        ("POST", "/v1/backlog", "town.write"),
        ("POST", "/v1/backlog/assign-all", "town.write"),
        ("POST", f"/v1/backlog/{NOBODY}/claim", "town.write"),
        ("DELETE", f"/v1/backlog/{NOBODY}", "town.write"),
        ("POST", "/v1/messages/send", "town.write"),
        ("POST", "/v1/agents", "agent.manage"),
        ("POST", "/v1/agents/x/kill", "agent.manage"),
    ],
)
def test_each_operation_needs_its_scope(served: Served, method: str, path: str, needed: str) -> None:
    others = {"town.read", "town.write", "agent.manage"} - {needed}
    answer = served.client.request(method, path, headers={RIGHTS: " ".join(others)})
    assert needed in problem(answer, 403, "missing-scope")["detail"]
    allowed = served.client.request(method, path, headers={RIGHTS: needed})
    assert allowed.status_code in {200, 400, 404}


def test_ids_of_others_towns_are_not_found(served: Served) -> None:
    problem(served.get(f"/v1/agents/{uuid.uuid4()}"), 404, "not-found")
