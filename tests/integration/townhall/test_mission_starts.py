from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.integration.store.stores import Stores
from tests.integration.townhall.served import Served, problem, serving
from tests.repositories import make_repository

from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

ISSUES = [{"type": "issue", "owner": "local", "repo": "shop", "number": number} for number in (1, 2, 3)]
PLAN = {"type": "doc", "path": "docs/plan.md"}


def start(shop: Served, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = shop.ok("POST", "/v1/missions", {"objectives": ISSUES[:1], **body}, 201)
    return found


def policy_of(shop: Served, mission_id: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.ok("GET", f"/v1/missions/{mission_id}")["mission"]["policy"]
    return found


def refused(shop: Served, *objectives: object, **more: object) -> list[str]:
    """What is said to be wrong; nothing is started."""
    found = problem(shop.post("/v1/missions", {"objectives": objectives, **more}), 400, "problems")
    assert shop.ok("GET", "/v1/missions")["count"] == 0
    assert str(shop.root) not in str(found)
    return [one["message"] for one in found["errors"]]


def test_mission_is_started_from_issues_and_documents(shop: Served) -> None:
    started = start(shop, objectives=[*ISSUES, PLAN])

    assert (started["state"], started["objective_count"], started["work_item_count"]) == ("running", 4, 4)
    found = shop.get(f"/v1/missions/{started['mission_id']}", include_work="true").json()
    assert found["mission"]["objective_refs"] == [*ISSUES, PLAN]
    assert {item["key"]: item["title"] for item in found["work_items"]} == {
        "#1": "Design auth API",
        "#2": "Implement auth",
        "#3": "Write auth tests",
        "docs/plan.md": "The plan",
    }
    by_key = {item["key"]: item for item in found["work_items"]}
    assert by_key["#2"]["depends_on"] == [by_key["#1"]["id"]]
    assert shop.ok("GET", f"/v1/missions/{started['mission_id']}/work/{by_key['#1']['id']}") == by_key["#1"]


def test_policy_that_is_left_out_is_the_towns(shop: Served) -> None:
    text = (shop.root / "tinytown.toml").read_text("utf-8")
    assert "[mission]" not in text
    usual = policy_of(shop, start(shop)["mission_id"])
    assert usual == {
        "max_parallel_items": 2,
        "reviewer_required": True,
        "auto_merge": False,
        "watch_interval_secs": 180,
        "max_attempts": 3,
        "max_fix_rounds": 5,
        "lost_agent_secs": 60,
        "help_after_secs": 30,
    }
    other = start(shop, objectives=ISSUES[1:2], policy={"max_parallel_items": 7, "auto_merge": True})
    assert policy_of(shop, other["mission_id"]) == {**usual, "max_parallel_items": 7, "auto_merge": True}


def test_every_problem_is_told_at_once(shop: Served) -> None:
    told = refused(
        shop,
        {"type": "issue", "owner": "local", "repo": "shop", "number": 77},
        {"type": "doc", "path": "docs/missing.md"},
        {"type": "doc", "path": "../../etc/passwd"},
        manifest="[[overrides]]\nissue = 1\ncolour = 2\n",
    )
    assert len(told) == 4
    assert any("#77" in line for line in told)
    assert any("docs/missing.md cannot be read" in line for line in told)
    assert any("../../etc/passwd is no file of the town's folder" in line for line in told)
    assert any("mission.toml:3" in line for line in told)


def test_choice_that_the_forge_cannot_make_is_told_with_the_rest(shop: Served) -> None:
    told = refused(shop, {"type": "doc", "path": "missing.md"}, milestone="1.0")
    assert len(told) == 2
    assert any("milestones" in line for line in told)


def test_issues_are_chosen_by_label_besides_those_that_are_named(shop: Served) -> None:
    issue = shop.root / "issues" / "0003-tests.md"
    issue.write_text("---\nlabels: [api]\n---\n# Write auth tests\n", encoding="utf-8")
    started = start(shop, labels=["api"], allow_dirty=True)
    found = shop.ok("GET", f"/v1/missions/{started['mission_id']}")
    assert [ref["number"] for ref in found["mission"]["objective_refs"]] == [1, 3]


@pytest.mark.parametrize("path", ["/etc/passwd", "..", ".", ".git/config", ".tt/machine", "a/../.tt/machine", "docs"])
def test_documents_are_files_of_the_repository(shop: Served, path: str) -> None:
    assert len(refused(shop, {"type": "doc", "path": path})) == 1


def test_the_same_objective_counts_once(shop: Served) -> None:
    twice = [ISSUES[0], {**ISSUES[0], "owner": "LOCAL"}, PLAN, {"type": "doc", "path": "docs/../docs/plan.md"}]
    assert start(shop, objectives=twice)["objective_count"] == 2


def test_objective_of_an_active_mission_is_409(shop: Served) -> None:
    first = start(shop)["mission_id"]
    found = problem(shop.post("/v1/missions", {"objectives": ISSUES[:1]}), 409, "already-exists")
    assert first[:8] in found["detail"]


def test_changes_that_are_not_committed_are_409_unless_allowed(shop: Served) -> None:
    (shop.root / "README.md").write_text("changed\n", encoding="utf-8")
    found = problem(shop.post("/v1/missions", {"objectives": ISSUES[:1]}), 409, "conflict")
    assert "README.md" in found["detail"]
    assert start(shop, allow_dirty=True)["state"] == "running"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.objectives"),
        ({"objectives": []}, "body.objectives"),
        ({"objectives": [{"type": "issue", "owner": "a", "repo": "b"}]}, "body.objectives[0].number"),
        ({"objectives": [{"type": "issue", "owner": "a", "repo": "b", "number": "5"}]}, "body.objectives[0].number"),
        ({"objectives": [{"type": "issue", "owner": "a", "repo": "b", "number": 0}]}, "body.objectives[0].number"),
        ({"objectives": [{"type": "issue", "owner": "a b", "repo": "b", "number": 1}]}, "body.objectives[0].owner"),
        ({"objectives": [{"type": "doc", "path": "a\0b"}]}, "body.objectives[0].path"),
        ({"objectives": [{"type": "pull", "path": "a"}]}, "body.objectives[0]"),
        ({"objectives": [PLAN], "policy": {"max_parallel_items": 0}}, "body.policy.max_parallel_items"),
        ({"objectives": [PLAN], "policy": {"auto_merge": 1}}, "body.policy.auto_merge"),
        ({"objectives": [PLAN], "policy": None}, "body.policy"),
    ],
)
def test_bodies_that_are_malformed_are_400_with_the_field(shop: Served, body: dict[str, object], field: str) -> None:
    found = problem(shop.post("/v1/missions", body), 400, "invalid-input")
    assert field in [one["field"] for one in found["errors"]]


def test_manifest_of_the_towns_folder_counts_unless_another_is_given(shop: Served) -> None:
    (shop.root / "mission.toml").write_text("[[overrides]]\nissue = 1\npriority = 9\n", encoding="utf-8")
    mission_id = start(shop, allow_dirty=True)["mission_id"]
    assert shop.ok("GET", f"/v1/missions/{mission_id}/work")["work_items"][0]["priority"] == 9
    shop.ok("DELETE", f"/v1/missions/{mission_id}?force=true")
    mission_id = start(shop, manifest="")["mission_id"]
    assert shop.ok("GET", f"/v1/missions/{mission_id}/work")["work_items"][0]["priority"] == 0


# Plans


def test_plan_says_what_a_mission_would_do_and_starts_nothing(shop: Served) -> None:
    plan = shop.ok("POST", "/v1/missions/plan", {"objectives": ISSUES})

    keys = {item["id"]: item["key"] for item in plan["work_items"]}
    assert [keys[i] for i in plan["critical_path"]] == ["#1", "#2", "#3"]
    assert [keys[one["work_item_id"]] for one in plan["first"]] == ["#1"]
    assert "start one: tt spawn" in plan["first"][0]["lacking"]
    assert (plan["base"], plan["work_item_count"]) == ("main", 3)
    assert shop.ok("GET", "/v1/missions")["count"] == 0


def test_plan_tells_every_problem(shop: Served) -> None:
    found = problem(
        shop.post("/v1/missions/plan", {"objectives": [{**ISSUES[0], "number": n} for n in (8, 9)]}), 400, "problems"
    )
    assert len(found["errors"]) == 2


def test_mission_waits_in_planning_while_the_forge_cannot_be_reached(
    connection: Connection, keys: Keys, redis_url: str, tmp_path: Path
) -> None:
    root = tmp_path / "shop"
    make_repository(root)
    name = keys.prefix.removeprefix("tt:")
    forge = 'kind = "github"\nrepository = "octo/town"\napi_url = "http://127.0.0.1:1"'
    text = f'[town]\nname = "{name}"\n[redis]\nurl = "{redis_url}"\n[forge]\n{forge}\n'
    (root / "tinytown.toml").write_text(text, encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GITHUB_TOKEN": "nobodys"}
    issue = {"type": "issue", "owner": "octo", "repo": "town", "number": 1}
    with serving(root, environ, Stores(connection, keys)) as town:
        started = start(town, objectives=[issue])
        assert (started["state"], started["work_item_count"]) == ("planning", 0)
        assert "planning waits" in started["warnings"][0]
        found = town.ok("GET", f"/v1/missions/{started['mission_id']}")["mission"]
        assert found["state"] == "planning"
        assert found["blocked_reason"]
