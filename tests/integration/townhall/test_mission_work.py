from __future__ import annotations

import pytest
from tests.integration.store.stores import Stores
from tests.integration.townhall.missions import HEAD, ended, given, handed_in, item_id, mission, moved, work
from tests.integration.townhall.served import Served, problem

from tinytown.domain.task import TaskState
from tinytown.domain.workitem import PullState, Verdict, WorkKind, WorkStatus
from tinytown.schemas.mission_work import WorkItemList

PENDING, READY, ASSIGNED, RUNNING, BLOCKED, DONE = WorkStatus


def test_items_are_listed_by_status_and_page_by_page(served: Served) -> None:
    made = mission(served.stores, *(work(n, DONE if n % 2 else READY) for n in range(1, 8)))
    path = f"/v1/missions/{made}/work"

    whole = served.get(path)
    WorkItemList.model_validate_json(whole.content)
    assert [item["key"] for item in whole.json()["work_items"]] == [f"#{n}" for n in range(1, 8)]
    found = served.get(path, status="done", limit=3).json()
    assert [item["key"] for item in found["work_items"]] == ["#1", "#3", "#5"]
    found = served.get(path, status="done", limit=3, cursor=found["next_cursor"]).json()
    assert ([item["key"] for item in found["work_items"]], found["count"], found["next_cursor"]) == (["#7"], 1, None)
    assert problem(served.get(path, status="lost"), 400, "invalid-input")["errors"][0]["field"] == "query.status"
    problem(served.get(path, cursor="abc"), 400, "invalid-input")


def test_item_is_shown_whole(served: Served) -> None:
    made = mission(served.stores, handed_in(1, depends_on=(item_id(2),), hold="look"), work(2))
    found = served.ok("GET", f"/v1/missions/{made}/work/{item_id(1)}")
    assert found == {
        "id": item_id(1),
        "mission_id": made,
        "title": "thing 1",
        "kind": "implement",
        "depends_on": [item_id(2)],
        "owner_role": None,
        "status": "blocked",
        "assigned_to": None,
        "artifact_refs": [],
        "source_ref": None,
        "created_at": "2026-01-05T12:00:00Z",
        "updated_at": "2026-01-05T12:00:00Z",
        "key": "#1",
        "priority": 0,
        "branch": "tt/1",
        "waits_for": [],
        "hold": "look",
        "task_id": None,
        "pull_request": {
            "number": 1,
            "url": "local/repo/pull/1",
            "head": HEAD,
            "base": "main",
            "checks": "unknown",
            "review": "unknown",
            "mergeable": "unknown",
            "is_open": True,
            "merged_as": None,
        },
    }
    assert served.client.get(f"/v1/missions/{made.upper()}/work/{item_id(1).upper()}").json() == found


# Setting a status


def at(stores: Stores, status: WorkStatus) -> str:
    """A mission whose #1 has that status, with a task and a run where there are such; #2 is before it."""
    agent = stores.agent("backend")
    if status in {ASSIGNED, RUNNING}:
        made = mission(stores, work(1), work(2))
        given(stores, made, 1, agent)
        if status is RUNNING:
            stores.claim(stores.host(), agent)
            moved(stores, made, 1, RUNNING)
        return made
    before = (item_id(2),) if status is PENDING else ()
    hold = "failed 3 times" if status is BLOCKED else None
    return mission(stores, work(1, status, depends_on=before, hold=hold), work(2))


def task_states(stores: Stores) -> list[TaskState]:
    ids = [i.decode() for i in stores.connection.execute("ZRANGE", stores.keys("tasks"), 0, -1)]
    return [task.state for task in stores.tasks.many(ids)]


LEGAL = {
    (PENDING, DONE),
    (PENDING, BLOCKED),
    (READY, DONE),
    (READY, BLOCKED),
    (ASSIGNED, DONE),
    (ASSIGNED, READY),
    (ASSIGNED, BLOCKED),
    (RUNNING, READY),
    (RUNNING, BLOCKED),
    (BLOCKED, DONE),
    (BLOCKED, READY),
}


@pytest.mark.parametrize("old", WorkStatus, ids=lambda s: f"from-{s.value}")
@pytest.mark.parametrize("new", WorkStatus, ids=lambda s: f"to-{s.value}")
def test_status_that_is_set_is_reached_or_refused_with_nothing_changed(
    served: Served, old: WorkStatus, new: WorkStatus
) -> None:
    made = at(served.stores, old)
    path = f"/v1/missions/{made}/work/{item_id(1)}"
    shown = served.ok("GET", path)
    assert shown["status"] == old.value
    before = served.stores.dump()
    tasks = task_states(served.stores)

    answer = served.client.patch(path, json={"status": new.value, "artifacts": ["https://example.org/pull/1"]})

    if old is new or (old, new) in LEGAL:
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == new.value
        assert answer.json()["artifact_refs"] == ["https://example.org/pull/1"]
        assert served.ok("GET", path) == answer.json()
        assert task_states(served.stores) == ([TaskState.CANCELLED] if tasks and old is not new else tasks)
    else:
        problem(answer, 409, "illegal-transition")
        assert served.stores.dump() == before


def test_status_and_artifacts_are_one_commit(served: Served) -> None:
    made = mission(served.stores, work(1))
    version = served.stores.read(made, dispatcher=None).mission.version
    served.ok("PATCH", f"/v1/missions/{made}/work/{item_id(1)}", {"status": "done", "artifacts": ["a"]})
    assert served.stores.read(made, dispatcher=None).mission.version == version + 1


def test_artifacts_alone_are_added_once(served: Served) -> None:
    made = mission(served.stores, work(1, artifact_refs=("a",)))
    path = f"/v1/missions/{made}/work/{item_id(1)}"
    assert served.ok("PATCH", path, {"artifacts": ["b", "a", "b"]})["artifact_refs"] == ["a", "b"]
    assert served.ok("PATCH", path, {})["artifact_refs"] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "lost"}, "body.status"),
        ({"status": None}, "body.status"),
        ({"artifacts": [""]}, "body.artifacts[0]"),
        ({"artifacts": ["x" * 501]}, "body.artifacts[0]"),
        ({"artifacts": ["a\nb"]}, "body.artifacts[0]"),
        ({"artifacts": [5]}, "body.artifacts[0]"),
        ({"artifacts": "a"}, "body.artifacts"),
    ],
)
def test_updates_that_are_malformed_are_400_with_the_field(served: Served, body: object, field: str) -> None:
    made = mission(served.stores, work(1))
    found = problem(served.client.patch(f"/v1/missions/{made}/work/{item_id(1)}", json=body), 400, "invalid-input")
    assert [one["field"] for one in found["errors"]] == [field]


def test_nothing_of_a_mission_that_has_ended_is_updated(served: Served) -> None:
    made = ended(served.stores, work(1, DONE))
    problem(served.client.patch(f"/v1/missions/{made}/work/{item_id(1)}", json={"artifacts": ["a"]}), 409, "conflict")


# What people decide


def test_item_without_a_branch_is_finished_by_an_approval(served: Served) -> None:
    made = mission(served.stores, work(1, BLOCKED, kind=WorkKind.MERGE_GATE, hold="a gate"))
    found = served.ok("POST", f"/v1/missions/{made}/work/{item_id(1)}/approve", {"comment": "go on"})
    assert found["status"] == "done"
    assert any("go on" in line for line in served.ok("GET", f"/v1/missions/{made}/events")["events"])


def test_approval_satisfies_the_review(served: Served) -> None:
    made = mission(served.stores, handed_in(1))
    found = served.ok("POST", f"/v1/missions/{made}/work/{item_id(1)}/approve")
    assert (found["status"], found["pull_request"]["review"]) == ("blocked", "passed")


def test_rejection_needs_a_reason_and_tells_it(served: Served) -> None:
    made = mission(served.stores, handed_in(1))
    path = f"/v1/missions/{made}/work/{item_id(1)}"
    problem(served.post(f"{path}/reject", {"reason": " "}), 400, "invalid-input")
    problem(served.post(f"{path}/reject", {}), 400, "invalid-input")
    assert served.ok("POST", f"{path}/reject", {"reason": "too slow"})["pull_request"]["review"] == "failed"
    why = served.ok("GET", f"{path}/why")
    assert any("too slow" in line for line in why["reasons"])
    assert why["work_item"]["key"] == "#1"
    assert [entry["work_item_id"] for entry in why["history"]] == [item_id(1)]


@pytest.mark.parametrize("act", ["approve", "merge"])
def test_what_cannot_be_decided_yet_is_409(served: Served, act: str) -> None:
    made = mission(served.stores, work(1))
    served.ok("GET", f"/v1/missions/{made}")
    before = served.stores.dump()
    problem(served.post(f"/v1/missions/{made}/work/{item_id(1)}/{act}"), 409, "conflict")
    assert served.stores.dump() == before


def passed() -> PullState:
    done = Verdict.PASSED
    url = "local/repo/pull/1"
    return PullState(number=1, url=url, head=HEAD, base="main", checks=done, review=done, mergeable=done, is_heard=True)


def test_merge_is_wanted_of_what_is_ready(served: Served) -> None:
    made = mission(served.stores, handed_in(1, pull=passed()))
    found = served.ok("POST", f"/v1/missions/{made}/work/{item_id(1)}/merge", status=202)
    assert found["status"] == "blocked"
    assert served.stores.read(made, dispatcher=None).items[item_id(1)].merge_head == HEAD
