"""Every type of event that is emitted is explained, and nothing else is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from tests.docs.pages import ROOT

from tinytown.domain.agent import AgentState
from tinytown.domain.mission import MissionState
from tinytown.domain.task import OPEN_TASKS, TaskState
from tinytown.domain.workitem import Verdict

SOURCES = ROOT / "src/tinytown"
AUDITED = "audit."
"""Types of the audit, which docs/townhall.md is about."""


def _names(kind: type[Enum]) -> list[str]:
    return [member.value for member in kind]


FAMILIES = {
    "agent.": _names(AgentState),
    "checks.": _names(Verdict),
    "mission.": _names(MissionState),
    "review.": _names(Verdict),
    "task.": [state.value for state in TaskState if state not in OPEN_TASKS],
}
"""Beginnings of types that are put together from a state, and what may follow."""


def _scripts() -> Iterator[str]:
    for script in sorted((SOURCES / "store/lua").glob("*.lua")):
        for name, is_joined in re.findall(r"\bemit\('([a-z_.]+)'( \.\.)?", script.read_text("utf-8")):
            yield from _expanded(name) if is_joined else [name]


def _expanded(beginning: str) -> list[str]:
    return [beginning + rest for rest in FAMILIES[beginning]]


def _python(folder: str) -> Iterator[str]:
    for file in sorted((SOURCES / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (given := _type_of(node)) is not None:
                yield from _told(given, file)


def _type_of(call: ast.Call) -> ast.expr | None:
    """The type in a call that tells of an event."""
    match call.func, call.args:
        case ast.Attribute(attr="say"), [first, *_]:
            return first
        case ast.Name(id="_event"), [_, second, *_]:
            return second
        case ast.Name(id="MissionEvent"), _:
            return next(keyword.value for keyword in call.keywords if keyword.arg == "type")
    return None


def _told(given: ast.expr, file: Path) -> list[str]:
    match given:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.JoinedStr(values=[ast.Constant(value=str(beginning)), ast.FormattedValue()]):
            return _expanded(beginning)
        case ast.Name():  # passed on by a helper whose callers are looked at
            return []
    pytest.fail(f"{file}: cannot tell the type of {ast.unparse(given)}")


def test_every_type_is_in_the_table() -> None:
    emitted = {*_scripts(), *_python("planner"), *_python("services")}
    page = (ROOT / "docs/events.md").read_text("utf-8")
    explained = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| \S.*\|$", page, re.MULTILINE)
    assert len(emitted) > 80
    assert sorted(explained) == sorted(one for one in emitted if not one.startswith(AUDITED))


def test_what_is_told_of_the_stream_is_what_it_does() -> None:
    page = (ROOT / "docs/events.md").read_text("utf-8")
    settings = (SOURCES / "townhall/pace.py").read_text("utf-8")
    for said, field in (("Every 15 s", "heartbeat_secs: float = 15.0"), ("for 30 s", "stall_secs: float = 30.0")):
        assert said in page
        assert field in settings
