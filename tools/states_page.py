"""docs/states.md: the life of a mission, an item, a watch, a task and an agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from tinytown.domain.agent import AGENT_LIFECYCLE
from tinytown.domain.lifecycle import Lifecycle
from tinytown.domain.mission import MISSION_LIFECYCLE
from tinytown.domain.task import TASK_LIFECYCLE
from tinytown.domain.watch import WATCH_LIFECYCLE
from tinytown.domain.workitem import WORK_LIFECYCLE
from tools.meanings import meaning_of

LIFECYCLES: tuple[tuple[str, Lifecycle[Any]], ...] = (
    ("Mission", MISSION_LIFECYCLE),
    ("Work item", WORK_LIFECYCLE),
    ("Watch", WATCH_LIFECYCLE),
    ("Task", TASK_LIFECYCLE),
    ("Agent", AGENT_LIFECYCLE),
)

_HEAD = """\
# States

The transition tables of `src/tinytown/domain`, drawn. What is not an arrow here is refused and changes nothing.
"""


def render() -> str:
    """The page."""
    return "\n".join((_HEAD, *(part for name, life in LIFECYCLES for part in _section(name, life))))


def _section(name: str, life: Lifecycle[Any]) -> Iterator[str]:
    meaning = meaning_of(type(life.initial))
    yield f"## {name}\n\n{meaning.text}\n"
    yield f"```mermaid\n{life.mermaid()}\n```\n"
    yield "| state | meaning |\n|---|---|"
    for state in life.states():
        yield f"| `{state.value}` | {_member(meaning.members, state)} |"
    yield ""


def _member(members: Mapping[str, str], state: Enum) -> str:
    found = members.get(state.name)
    if found is None:
        raise LookupError(f"{type(state).__name__}.{state.name} has no docstring; write one under it")
    return found
