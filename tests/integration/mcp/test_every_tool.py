"""Every tool is called, and answers as its schema says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest
from tests.integration.mcp.stage import Stage
from tests.integration.store.stores import NOW
from tests.integration.townhall.missions import HEAD, handed_in, mission, watch, work

from tinytown.domain.agent import AgentState
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import PullState, Verdict, WorkStatus
from tinytown.mcp.toolbox import SPECS

Arguments: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[dict[str, Any]], bool]
ISSUE = {"type": "issue", "owner": "local", "repo": "shop", "number": 1}


def nothing(_: Stage) -> Arguments:
    return {}


def idle(stage: Stage) -> Arguments:
    stage.idle("backend")
    return {"agent": "backend"}


def paused(stage: Stage) -> Arguments:
    stage.idle("backend")
    stage.ok("agent.interrupt", agent="backend")
    return {"agent": "backend"}


def stopped(stage: Stage) -> Arguments:
    (agent_id,) = stage.idle("backend")
    stage.stores.agents.move(agent_id, AgentState.STOPPED, NOW)
    return {"agent": "backend"}


def with_task(stage: Stage) -> str:
    stage.idle("backend")
    return str(stage.ok("task.assign", agent="backend", task="tidy up")["task_id"])


def in_backlog(stage: Stage) -> str:
    return str(stage.ok("backlog.add", description="tidy up", tags=["role:backend"])["task_id"])


def with_backlog(stage: Stage) -> Arguments:
    in_backlog(stage)
    return idle(stage)


def started(stage: Stage) -> Arguments:
    stage.ok("mission.start", objectives=[ISSUE])
    return {}


def running(stage: Stage) -> Arguments:
    made = handed_in(1)
    mission_id = mission(stage.stores, made, work(2, WorkStatus.READY))
    watch(stage.stores, mission_id, made, WatchKind.PR_CHECKS)
    return {"mission": mission_id}


def mergeable(stage: Stage) -> Arguments:
    done = Verdict.PASSED
    pull = PullState(
        number=1,
        url="local/shop/pull/1",
        head=HEAD,
        base="main",
        checks=done,
        review=done,
        mergeable=done,
        is_heard=True,
    )
    return {"mission": mission(stage.stores, handed_in(1, pull=pull)), "item": "#1"}


def held(stage: Stage) -> Arguments:
    mission_id = mission(stage.stores, work(1, WorkStatus.BLOCKED, hold="say which colour"))
    return {"mission": mission_id}


def with_question(stage: Stage) -> Arguments:
    stage.idle("backend")
    stage.ok("message.send", to="conductor", message="which colour?", kind="query")
    return {"agent": "conductor"}


def ended_task(stage: Stage) -> Arguments:
    stage.ok("task.complete", task_id=with_task(stage), result="all tidy")
    return {"agent": "backend"}


def lost(stage: Stage) -> Arguments:
    with_task(stage)
    stage.ok("agent.kill", agent="backend", force=True)
    return {"to_backlog": True}


CALLS: Mapping[str, tuple[Callable[[Stage], Arguments], Check]] = {
    "town.get_status": (lambda stage: {"limit": len(idle(stage))}, lambda found: found["agent_count"] == 1),
    "agent.list": (lambda stage: {"limit": len(idle(stage))}, lambda found: found["agents"][0]["name"] == "backend"),
    "agent.spawn": (lambda _: {"name": "b2", "cli": "demo", "role": "backend"}, lambda found: found["name"] == "b2"),
    "agent.kill": (idle, lambda found: found["status"] == "stopped"),
    "agent.restart": (stopped, lambda found: found["status"] == "starting"),
    "agent.interrupt": (idle, lambda found: found["status"] == "paused"),
    "agent.resume": (paused, lambda found: found["status"] == "idle"),
    "agent.close": (idle, lambda found: found["status"] == "stopped"),
    "agent.wait": (lambda stage: {"agents": [idle(stage)["agent"]]}, lambda found: found["is_over"]),
    "agent.inbox": (with_question, lambda found: found["messages"][0]["text"] == "which colour?"),
    "agent.prune": (lambda stage: {"all": bool(stopped(stage))}, lambda found: found["agents"] == ["backend"]),
    "agent.get_result": (ended_task, lambda found: found["task"]["result"] == "all tidy"),
    "task.assign": (lambda stage: {**idle(stage), "task": "tidy up"}, lambda found: found["agent_name"] == "backend"),
    "task.list_pending": (lambda stage: {"limit": len(with_task(stage))}, lambda found: found["total"] == 1),
    "task.complete": (lambda stage: {"task_id": with_task(stage)}, lambda found: found["status"] == "completed"),
    "message.send": (
        lambda stage: {"to": idle(stage)["agent"], "message": "hello"},
        lambda found: found["to_agent"] == "backend",
    ),
    "message.dismiss": (
        lambda stage: {"messages": [with_question(stage) and stage.ok("agent.inbox")["messages"][0]["id"]]},
        lambda found: len(found["dismissed"]) == 1 and found["left"] == 0,
    ),
    "backlog.list": (lambda stage: {"limit": len(in_backlog(stage))}, lambda found: found["total"] == 1),
    "backlog.add": (lambda _: {"description": "tidy up"}, lambda found: found["description"] == "tidy up"),
    "backlog.claim": (
        lambda stage: {"task_id": in_backlog(stage), **idle(stage)},
        lambda found: found["agent_name"] == "backend",
    ),
    "backlog.assign_all": (
        with_backlog,
        lambda found: found["assigned"] == 1,
    ),
    "backlog.remove": (lambda stage: {"task_id": in_backlog(stage)}, lambda found: found["removed"]),
    "mission.start": (
        lambda _: {"objectives": [ISSUE], "policy": {"auto_merge": True}},
        lambda found: found["work_item_count"] == 1,
    ),
    "mission.plan": (lambda _: {"objectives": [ISSUE]}, lambda found: found["work_items"][0]["key"] == "#1"),
    "mission.list": (lambda stage: {"limit": len(running(stage))}, lambda found: found["total"] == 1),
    "mission.status": (
        lambda stage: {**running(stage), "include_work": True, "include_watches": True, "include_events": True},
        lambda found: len(found["work_items"]) == 2 and len(found["watches"]) == 1 and len(found["events"]) == 1,
    ),
    "mission.work": (
        lambda stage: {**running(stage), "status": "ready"},
        lambda found: [item["key"] for item in found["work_items"]] == ["#2"],
    ),
    "mission.watches": (running, lambda found: found["watches"][0]["kind"] == "pr_checks"),
    "mission.events": (running, lambda found: found["entries"][0]["text"] == "it started"),
    "mission.why": (running, lambda found: [item["key"] for item in found["mission"]["items"]] == ["#1", "#2"]),
    "mission.approve": (lambda stage: {**running(stage), "item": "#1"}, lambda found: found["key"] == "#1"),
    "mission.reject": (
        lambda stage: {**running(stage), "item": "#1", "reason": "too slow"},
        lambda found: found["key"] == "#1",
    ),
    "mission.merge": (mergeable, lambda found: found["key"] == "#1"),
    "mission.pause": (running, lambda found: found["status"] == "stopped"),
    "mission.resume": (held, lambda found: found["status"] == "resumed"),
    "mission.stop": (lambda stage: {**running(stage), "force": True}, lambda found: found["status"] == "stopped"),
    "mission.note": (lambda stage: {**running(stage), "text": "use blue"}, lambda found: bool(found["status"])),
    "mission.input": (lambda stage: {**held(stage), "text": "blue"}, lambda found: found["is_resumed"]),
    "mission.dispatch": (
        started,
        lambda found: len(found["missions"]) == 1,
    ),
    "recovery.recover_agents": (nothing, lambda found: found["recovered"] == 0),
    "recovery.reclaim_tasks": (lost, lambda found: found["reclaimed"] == 1),
}


def test_every_tool_is_here() -> None:
    assert sorted(CALLS) == sorted(spec.name for spec in SPECS)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_tool_does_what_it_is_for_and_answers_as_its_schema_says(stage: Stage, name: str) -> None:
    prepare, check = CALLS[name]
    arguments = prepare(stage)

    found = stage.ok(name, **arguments)

    assert check(found), found
