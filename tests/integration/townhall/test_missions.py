from __future__ import annotations

import re

import msgspec
import pytest
from tests.integration.store.stores import NOW, later
from tests.integration.townhall.missions import (
    NOBODY,
    ended,
    given,
    handed_in,
    item_id,
    mission,
    watch,
    work,
)
from tests.integration.townhall.served import GONE_RIGHTS, RIGHTS, Served, problem

from tinytown.domain.mission import MissionEvent, MissionState
from tinytown.domain.task import TaskState
from tinytown.domain.watch import WatchKind, WatchStatus
from tinytown.domain.workitem import WorkStatus
from tinytown.schemas.missions import MissionStatus

DONE, BLOCKED = WorkStatus.DONE, WorkStatus.BLOCKED

# Lists


def test_active_missions_are_listed_newest_first(served: Served) -> None:
    old = mission(served.stores, work(1, DONE), work(2), created_at=NOW)
    new = mission(served.stores, created_at=later(60), state=MissionState.BLOCKED, blocked_reason="stuck")
    ended(served.stores)

    found = served.ok("GET", "/v1/missions")

    assert [one["id"] for one in found["missions"]] == [new, old]
    assert found["count"] == 2
    assert found["next_cursor"] is None
    assert found["missions"][1] == {
        "id": old,
        "state": "running",
        "objective_count": 0,
        "work_item_count": 2,
        "completed_count": 1,
        "created_at": "2026-01-05T12:00:00Z",
        "updated_at": "2026-01-05T12:00:00Z",
        "is_paused": False,
        "blocked_reason": None,
    }
    assert found["missions"][0]["blocked_reason"] == "stuck"


def test_all_missions_are_listed_when_asked_for(served: Served) -> None:
    done = ended(served.stores)
    assert [one["id"] for one in served.get("/v1/missions", active_only="false").json()["missions"]] == [done]


def test_missions_are_listed_page_by_page(served: Served) -> None:
    made = [mission(served.stores, created_at=later(60 * n)) for n in range(5)]
    shown: list[str] = []
    query: dict[str, str | float] = {"limit": 2}
    while True:
        page = served.get("/v1/missions", **query).json()
        shown += [one["id"] for one in page["missions"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert shown == made[::-1]


# Looking


def test_status_counts_everything_and_shows_what_was_asked_for_only(served: Served) -> None:
    made = mission(served.stores, work(1, DONE), work(2), work(3, BLOCKED), work(4, WorkStatus.PENDING))
    watch(served.stores, made, work(3), WatchKind.PR_CHECKS)
    watch(served.stores, made, work(3), WatchKind.MERGEABILITY, status=WatchStatus.DONE)

    found = served.ok("GET", f"/v1/missions/{made}")

    assert set(found) == {"mission", "summary", "next_cursor"}
    assert found["summary"] == {
        "total_work_items": 4,
        "pending": 1,
        "ready": 1,
        "assigned": 0,
        "running": 0,
        "done": 1,
        "blocked": 1,
        "active_watches": 1,
    }
    assert found["mission"]["policy"]["max_parallel_items"] == 2
    assert found["mission"]["next_wake_at"] is None


def test_status_with_everything(served: Served) -> None:
    made = mission(served.stores, handed_in(10), work(2))
    first = watch(served.stores, made, work(2), WatchKind.PR_CHECKS)

    answer = served.get(f"/v1/missions/{made}", include_work="true", include_watches="true", include_events="true")

    MissionStatus.model_validate_json(answer.content)
    found = answer.json()
    assert [item["key"] for item in found["work_items"]] == ["#2", "#10"]
    assert [one["id"] for one in found["watches"]] == [first.id]
    assert found["events"] == ["2026-01-05T12:00:00Z it started"]


def test_large_mission_is_shown_page_by_page_and_counted_whole(served: Served) -> None:
    made = mission(served.stores, *(work(n) for n in range(1, 1202)))
    path = f"/v1/missions/{made}"

    first = served.get(path, include_work="true").json()
    second = served.get(path, include_work="true", cursor=first["next_cursor"]).json()

    assert [len(page["work_items"]) for page in (first, second)] == [1000, 201]
    assert first["summary"]["total_work_items"] == 1201
    assert second["next_cursor"] is None


def test_mission_is_looked_at_in_one_round_trip(served: Served) -> None:
    made = mission(served.stores, work(1))
    served.ok("GET", f"/v1/missions/{made}")
    served.stores.connection.execute("CONFIG", "RESETSTAT")

    served.get(f"/v1/missions/{made}", include_work="true", include_watches="true", include_events="true")

    stats = served.stores.connection.execute("INFO", "commandstats").decode()
    calls = dict(re.findall(r"cmdstat_(\w+):calls=(\d+)", stats))
    assert {name: calls[name] for name in ("multi", "exec", "hmget", "hvals", "lrange")} == {
        "multi": "1",
        "exec": "1",
        "hmget": "1",
        "hvals": "2",
        "lrange": "1",
    }
    assert set(calls) - {"multi", "exec", "hmget", "hvals", "lrange", "config", "info", "config|resetstat"} == set()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/resume", None),
        ("POST", "/stop", None),
        ("POST", "/note", {"text": "pause"}),
        ("GET", "/events", None),
        ("GET", "/why", None),
        ("GET", "/work", None),
        ("GET", f"/work/{NOBODY}", None),
        ("GET", f"/work/{NOBODY}/why", None),
        ("PATCH", f"/work/{NOBODY}", {"status": "done"}),
        ("POST", f"/work/{NOBODY}/approve", None),
        ("POST", f"/work/{NOBODY}/reject", {"reason": "no"}),
        ("POST", f"/work/{NOBODY}/merge", None),
        ("GET", "/watches", None),
        ("POST", f"/watches/{NOBODY}/snooze", {"duration_secs": 60}),
    ],
)
def test_missions_items_and_watches_that_are_unknown_are_404(
    served: Served, method: str, path: str, body: dict[str, object] | None
) -> None:
    problem(served.client.request(method, f"/v1/missions/{NOBODY}{path}", json=body), 404, "not-found")
    made = mission(served.stores, work(1))
    if NOBODY in path:
        problem(served.client.request(method, f"/v1/missions/{made}{path}", json=body), 404, "not-found")


def test_ids_that_are_none_are_400_with_the_field(served: Served) -> None:
    found = problem(served.get("/v1/missions/abc"), 400, "invalid-input")
    assert found["errors"][0]["field"] == "path.mission_id"
    found = problem(served.get(f"/v1/missions/{NOBODY}/work/5"), 400, "invalid-input")
    assert found["errors"][0]["field"] == "path.work_item_id"


# Deleting


def test_mission_that_has_ended_is_deleted(shop: Served) -> None:
    made = ended(shop.stores, work(1, DONE))
    found = shop.ok("DELETE", f"/v1/missions/{made}")
    assert found == {"mission_id": made, "deleted": True, "cancelled_tasks": 0, "kept": []}
    problem(shop.get(f"/v1/missions/{made}"), 404, "not-found")


def test_active_mission_is_deleted_by_force_only(shop: Served) -> None:
    agent = shop.stores.agent("backend")
    made = mission(shop.stores, work(1), handed_in(2))
    task = given(shop.stores, made, 1, agent)

    refused = problem(shop.client.delete(f"/v1/missions/{made}"), 409, "conflict")
    assert "force" in refused["detail"]
    found = shop.ok("DELETE", f"/v1/missions/{made}?force=true")

    assert (found["deleted"], found["cancelled_tasks"]) == (True, 1)
    assert found["kept"] == [{"work_item": "#2", "branch": "tt/2", "reason": "not merged"}]
    assert shop.stores.tasks.get(task).state is TaskState.CANCELLED


def test_deleting_needs_more_than_writing(served: Served) -> None:
    made = ended(served.stores)
    answer = served.client.delete(f"/v1/missions/{made}", headers={RIGHTS: "town.read town.write agent.manage"})
    assert "admin" in problem(answer, 403, "missing-scope")["detail"]
    answer = served.client.get(f"/v1/missions/{made}", headers={RIGHTS: GONE_RIGHTS})
    problem(answer, 403, "missing-scope")
    answer = served.client.post(f"/v1/missions/{made}/stop", headers={RIGHTS: "town.read"})
    problem(answer, 403, "missing-scope")


# Stopping and going on


def test_mission_is_stopped_and_resumed(served: Served) -> None:
    agent = served.stores.agent("backend")
    made = mission(served.stores, work(1))
    task = given(served.stores, made, 1, agent)

    stopped = served.ok("POST", f"/v1/missions/{made}/stop")
    assert stopped == {
        "mission_id": made,
        "status": "stopped",
        "previous_state": "running",
        "new_state": "blocked",
    }
    assert served.stores.tasks.get(task).state is TaskState.CANCELLED
    assert served.ok("GET", f"/v1/missions/{made}")["mission"]["is_paused"] is True

    again = served.ok("POST", f"/v1/missions/{made}/stop", {"force": True})
    assert (again["previous_state"], again["new_state"]) == ("blocked", "blocked")

    resumed = served.ok("POST", f"/v1/missions/{made}/resume")
    assert (resumed["status"], resumed["previous_state"], resumed["new_state"]) == ("resumed", "blocked", "running")
    problem(served.post(f"/v1/missions/{made}/resume"), 409, "conflict")


def test_run_goes_on_when_its_mission_is_stopped_unless_it_is_forced(served: Served) -> None:
    agent = served.stores.agent("backend")
    lease = served.stores.host()
    made = mission(served.stores, work(1))
    task = given(served.stores, made, 1, agent)
    served.stores.claim(lease, agent)

    served.ok("POST", f"/v1/missions/{made}/stop", {})
    assert served.stores.tasks.get(task).state is TaskState.RUNNING
    served.ok("POST", f"/v1/missions/{made}/stop", {"force": True})
    assert served.stores.tasks.get(task).state is TaskState.CANCELLED


def test_stopping_what_has_ended_changes_nothing(served: Served) -> None:
    made = ended(served.stores)
    served.ok("GET", "/v1/missions")
    before = served.stores.dump()
    found = served.ok("POST", f"/v1/missions/{made}/stop")
    assert (found["status"], found["previous_state"], found["new_state"]) == ("ended", "completed", "completed")
    assert served.stores.dump() == before
    problem(served.post(f"/v1/missions/{made}/resume"), 409, "conflict")


# Events, notes, reasons


def test_events_are_the_last_ones_oldest_first(served: Served) -> None:
    made = mission(served.stores)
    events = [MissionEvent(at=later(n), type="item.ready", text=f"event {n}", item_id=item_id(1)) for n in range(30)]
    served.stores.commit(served.stores.read(made, dispatcher=None), events=events)

    found = served.ok("GET", f"/v1/missions/{made}/events")
    assert (found["count"], len(found["events"]), found["mission_id"]) == (20, 20, made)
    assert found["events"][-1] == "2026-01-05T12:00:29Z event 29"
    assert found["entries"][-1] == {
        "at": "2026-01-05T12:00:29Z",
        "type": "item.ready",
        "text": "event 29",
        "work_item_id": item_id(1),
        "agent_id": None,
        "task_id": None,
    }
    assert served.get(f"/v1/missions/{made}/events", limit=1).json()["count"] == 1
    assert served.get(f"/v1/missions/{made}/events", limit=100).json()["count"] == 31


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_events_are_bounded(served: Served, limit: str) -> None:
    found = problem(served.get(f"/v1/missions/{NOBODY}/events", limit=limit), 400, "invalid-input")
    assert found["errors"][0]["field"] == "query.limit"


def test_note_is_carried_out_or_kept(served: Served) -> None:
    made = mission(served.stores, work(1))
    kept = served.ok("POST", f"/v1/missions/{made}/note", {"text": "mind the style"})
    assert kept == {"mission_id": made, "status": "kept; handed to each agent of the mission with its next prompt"}
    assert served.ok("GET", f"/v1/missions/{made}")["mission"]["notes"] == ["mind the style"]
    problem(served.post(f"/v1/missions/{made}/note", {"text": "redirect"}), 400, "invalid-input")
    problem(served.post(f"/v1/missions/{made}/note", {"text": " "}), 400, "invalid-input")


def test_mission_says_what_it_waits_for(served: Served) -> None:
    made = mission(served.stores, work(1), work(2, DONE), work(3, WorkStatus.PENDING, depends_on=(item_id(1),)))
    found = served.ok("GET", f"/v1/missions/{made}/why")
    assert [(one["key"], one["status"]) for one in found["items"]] == [("#1", "ready"), ("#3", "pending")]
    assert "#1" in found["items"][1]["reasons"][0]
    assert found["count"] == 2


# Watches


def test_watches_are_listed_by_status(served: Served) -> None:
    made = mission(served.stores, handed_in(1))
    active = watch(served.stores, made, work(1), WatchKind.PR_CHECKS)
    done = watch(served.stores, made, work(1), WatchKind.MERGEABILITY, status=WatchStatus.DONE)
    path = f"/v1/missions/{made}/watches"

    assert {one["id"] for one in served.ok("GET", path)["watches"]} == {active.id, done.id}
    found = served.get(path, status="active").json()

    assert found["count"] == 1
    assert found["watches"][0] == {
        "id": active.id,
        "mission_id": made,
        "work_item_id": item_id(1),
        "kind": "pr_checks",
        "target_ref": "local/repo/pull/1",
        "interval_secs": 180,
        "next_due_at": "2026-01-05T12:03:00Z",
        "status": "active",
        "on_trigger": "create_fix_task",
        "last_check_at": None,
        "consecutive_failures": 0,
        "finding": "",
    }
    found = problem(served.get(path, status="lost"), 400, "invalid-input")
    assert found["errors"][0]["field"] == "query.status"


def test_watch_is_snoozed_for_a_minute_at_least(served: Served) -> None:
    made = mission(served.stores, handed_in(1))
    active = watch(served.stores, made, work(1), WatchKind.PR_CHECKS)
    done = watch(served.stores, made, work(1), WatchKind.MERGEABILITY, status=WatchStatus.DONE)
    path = f"/v1/missions/{made}/watches"

    found = problem(served.post(f"{path}/{active.id}/snooze", {"duration_secs": 59}), 400, "invalid-input")
    assert found["errors"][0]["field"] == "body.duration_secs"
    assert served.ok("POST", f"{path}/{active.id}/snooze", {"duration_secs": 60})["status"] == "snoozed"
    assert served.get(path, status="snoozed").json()["watches"][0]["id"] == active.id
    problem(served.post(f"{path}/{done.id}/snooze", {"duration_secs": 60}), 409, "illegal-transition")


def test_everything_of_another_mission_is_unknown(served: Served) -> None:
    mine, other = mission(served.stores, work(1)), mission(served.stores, work(2))
    found = watch(served.stores, other, work(2), WatchKind.PR_CHECKS)
    problem(served.get(f"/v1/missions/{mine}/work/{item_id(2)}"), 404, "not-found")
    path = f"/v1/missions/{mine}/watches/{found.id}/snooze"
    problem(served.post(path, {"duration_secs": 60}), 404, "not-found")
    assert msgspec.structs.replace(found, status=WatchStatus.ACTIVE) == found
