"""The table of tools: what clients are told of each."""

from __future__ import annotations

import re

import pytest
from mcp.server.mcpserver.tools import Tool

from tinytown.domain.access import Scope
from tinytown.mcp.calling import closed_tool
from tinytown.mcp.tool import Effect, Spec
from tinytown.mcp.toolbox import SPECS

NAMES = [
    "town.get_status",
    "agent.list",
    "agent.spawn",
    "agent.kill",
    "agent.restart",
    "agent.interrupt",
    "agent.resume",
    "agent.close",
    "agent.wait",
    "agent.inbox",
    "agent.prune",
    "agent.get_result",
    "task.assign",
    "task.list_pending",
    "task.complete",
    "message.send",
    "message.dismiss",
    "backlog.list",
    "backlog.add",
    "backlog.claim",
    "backlog.assign_all",
    "backlog.remove",
    "mission.start",
    "mission.plan",
    "mission.list",
    "mission.status",
    "mission.work",
    "mission.watches",
    "mission.events",
    "mission.why",
    "mission.approve",
    "mission.reject",
    "mission.merge",
    "mission.pause",
    "mission.resume",
    "mission.stop",
    "mission.note",
    "mission.input",
    "mission.dispatch",
    "recovery.recover_agents",
    "recovery.reclaim_tasks",
]
EACH = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


def made(spec: Spec) -> Tool:
    return closed_tool(spec)


def test_there_is_a_tool_for_everything_that_a_conductor_needs() -> None:
    assert sorted(spec.name for spec in SPECS) == sorted(NAMES)


@EACH
def test_a_tool_says_what_it_is_for(spec: Spec) -> None:
    tool = made(spec)
    assert re.fullmatch(r"[a-z]+\.[a-z_]{1,40}", tool.name)
    assert len(tool.description) > 20
    assert tool.description[0].isupper()
    assert tool.description.endswith(".")
    assert "\n" not in tool.description
    assert tool.title
    assert len(tool.title) < 40


@EACH
def test_a_tool_says_what_it_takes_and_answers(spec: Spec) -> None:
    tool = made(spec)
    assert tool.parameters["type"] == "object"
    assert tool.parameters["additionalProperties"] is False
    properties = tool.parameters["properties"]
    assert "town" not in properties
    assert "desk" not in properties
    undescribed = [name for name, schema in properties.items() if not schema.get("description")]
    assert undescribed == []
    assert tool.output_schema is not None
    assert tool.output_schema["type"] == "object"
    assert tool.output_schema["properties"]


@EACH
def test_a_list_is_bounded(spec: Spec) -> None:
    tool = made(spec)
    limits = [schema for name, schema in tool.parameters["properties"].items() if name == "limit"]
    assert all(limit["maximum"] <= 1000 and limit["minimum"] == 1 for limit in limits)
    assert bool(limits) == (spec.name.split(".")[1].startswith("list") or spec.name in LIMITED)


LIMITED = {
    "town.get_status",
    "agent.inbox",
    "agent.get_result",
    "mission.plan",
    "mission.status",
    "mission.work",
    "mission.watches",
    "mission.events",
    "mission.why",
}


@EACH
def test_hints_are_as_the_effect_is(spec: Spec) -> None:
    hints = made(spec).annotations
    assert hints is not None
    assert hints.title == spec.title
    assert hints.read_only_hint == (spec.effect is Effect.READS)
    assert not (hints.read_only_hint and hints.destructive_hint)
    assert None not in {hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint}


def test_what_destroys_says_so() -> None:
    found = {spec.name for spec in SPECS if spec.annotations.destructive_hint}
    assert found == {"agent.kill", "agent.restart", "agent.prune", "backlog.remove", "message.dismiss", "mission.stop"}


def test_what_asks_the_forge_says_so() -> None:
    found = {spec.name for spec in SPECS if spec.annotations.open_world_hint}
    assert found == {"mission.start", "mission.plan", "mission.dispatch"}


def test_reading_needs_the_right_to_read_and_changing_another() -> None:
    for spec in SPECS:
        may_read_only = spec.scope is Scope.TOWN_READ
        assert may_read_only == (spec.effect is Effect.READS and spec.name != "mission.plan"), spec.name
