"""`GET /v1/history`: what was done."""

from __future__ import annotations

import pytest
from tests.integration.store.stores import Stores, later, make_spec
from tests.integration.townhall.served import Served, problem

from tinytown.domain.agent import AgentState
from tinytown.domain.task import Report


def finish(town: Stores, agent: str, secs: int, report: Report = Report.COMPLETED, **said: str) -> str:
    """Give an agent a task that ends so many seconds later; its id."""
    spec = make_spec(title=f"task of {secs}")
    town.tasks.assign(spec, agent, later(0))
    town.tasks.report(spec.id, report, later(secs), run_id=None, **said)
    return spec.id


def test_what_has_ended_is_listed_the_last_first(served: Served) -> None:
    backend, frontend = served.stores.agent("backend"), served.stores.agent("frontend")
    done = finish(served.stores, backend, 5, result="all of it")
    failed = finish(served.stores, frontend, 9, Report.FAILED, reason="no idea")
    served.stores.tasks.assign(make_spec(), backend, later(20))

    found = served.ok("GET", "/v1/history")
    assert (found["count"], found["next_cursor"]) == (2, None)
    first, second = found["tasks"]
    assert (first["task_id"], first["state"], first["result"], first["agent_name"]) == (
        failed,
        "failed",
        "no idea",
        "frontend",
    )
    assert (second["task_id"], second["state"], second["result"]) == (done, "completed", "all of it")
    assert second["finished_at"] == "2026-01-05T12:00:05Z"
    assert (second["started_at"], second["took_secs"]) == (None, None)
    only = served.ok("GET", "/v1/history?agent=Backend")
    assert [one["task_id"] for one in only["tasks"]] == [done]


def test_who_did_it_is_known_also_when_the_agent_was_pruned(served: Served) -> None:
    agent = served.stores.agent("backend")
    finish(served.stores, agent, 5)
    served.stores.agents.kill(agent, later(6), "enough", is_forced=True)
    served.stores.agents.prune(agent, {AgentState.STOPPED}, later(7), hands_over=False)

    (found,) = served.ok("GET", "/v1/history")["tasks"]

    assert (found["agent_id"], found["agent_name"]) == (agent, "backend")
    for known_as in ("Backend", agent, agent[:8]):
        assert [one["task_id"] for one in served.ok("GET", f"/v1/history?agent={known_as}")["tasks"]] == [
            found["task_id"]
        ]


def test_the_history_of_a_pruned_agent_ends_with_its_last_page(served: Served) -> None:
    agent = served.stores.agent("backend")
    for secs in (5, 6):
        finish(served.stores, agent, secs)
    served.stores.agents.kill(agent, later(7), "enough", is_forced=True)
    served.stores.agents.prune(agent, {AgentState.STOPPED}, later(8), hands_over=False)
    first = served.ok("GET", "/v1/history?agent=backend&limit=1")
    last = served.ok("GET", f"/v1/history?agent=backend&limit=1&cursor={first['next_cursor']}")
    assert (first["count"], last["count"], last["next_cursor"]) == (1, 1, None)


def test_who_bears_a_name_now_is_meant_by_it(served: Served) -> None:
    before = served.stores.agent("backend")
    finish(served.stores, before, 5)
    served.stores.agents.kill(before, later(6), "enough", is_forced=True)
    served.stores.agents.prune(before, {AgentState.STOPPED}, later(7), hands_over=False)
    done = finish(served.stores, served.stores.agent("backend"), 9)
    assert [one["task_id"] for one in served.ok("GET", "/v1/history?agent=backend")["tasks"]] == [done]
    assert served.ok("GET", f"/v1/history?agent={before}")["count"] == 1


def test_pages_follow_each_other_without_loss_also_when_many_end_at_once(served: Served) -> None:
    agent = served.stores.agent("backend")
    ids = {finish(served.stores, agent, secs) for secs in (1, 2, 2, 2, 2, 3, 4)}
    seen, cursor = [], ""
    while True:
        page = served.ok("GET", f"/v1/history?limit=2{cursor}")
        seen += [one["task_id"] for one in page["tasks"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(ids)
    assert set(seen) == ids


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ("agent=nobody", 404, "not-found"),
        ("limit=0", 400, "invalid-input"),
        ("limit=1001", 400, "invalid-input"),
        ("cursor=nonsense", 400, "invalid-input"),
        ("cursor=WyJoaXN0b3J5IixbIngiXV0", 400, "invalid-input"),
    ],
)
def test_wrong_questions_are_refused(served: Served, query: str, status: int, slug: str) -> None:
    problem(served.get(f"/v1/history?{query}"), status, slug)
