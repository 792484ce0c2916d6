"""docs/reference/mcp.md: the tools, resources and prompts of the MCP server, from their specs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinytown.mcp.calling import closed_tool
from tinytown.mcp.prompts import PROMPTS
from tinytown.mcp.resources import SINGLE, WHOLE
from tinytown.mcp.tool import Spec
from tinytown.mcp.toolbox import SPECS

_HEAD = """\
# Tools, resources and prompts of MCP

How to connect is told [elsewhere](../mcp.md). A tool without the scope that it needs is refused. Its hints: *reads*
(changes nothing), *adds* (something new each time), *sets* (twice is the same as once), *stops* and *restarts* (as these
two, and work under way may be lost).

## Tools

| tool | scope | hint | what for |
|---|---|---|---|
"""
_ARGUMENTS = """
## Arguments

A name in bold must be given. Arguments that a tool does not know are refused.

| tool | arguments |
|---|---|
"""
_REST = """
## Resources

JSON; reading them needs `town.read`.

| URI | what it is |
|---|---|
"""
_PROMPTS = """
## Prompts

They need `town.read`; arguments are completed.

| prompt | what for |
|---|---|
"""


def render() -> str:
    """The page."""
    parts = (
        _HEAD,
        *(f"{_row(spec)}\n" for spec in SPECS),
        _ARGUMENTS,
        *(f"| `{spec.name}` | {_arguments(spec)} |\n" for spec in SPECS),
        _REST,
        *(f"| `{uri}` | {description} |\n" for uri, _, description, _ in (*WHOLE, *SINGLE)),
        _PROMPTS,
        *(f"| `{name}` | {description} |\n" for name, _, description in PROMPTS),
    )
    return "".join(parts)


def _row(spec: Spec) -> str:
    outside = ", asks the forge" if spec.is_open else ""
    return f"| `{spec.name}` | `{spec.scope.value}` | {spec.effect.value}{outside} | {closed_tool(spec).description} |"


def _arguments(spec: Spec) -> str:
    parameters: dict[str, Any] = closed_tool(spec).parameters
    required = frozenset(parameters.get("required", ()))
    return ", ".join(_shown(parameters["properties"], required)) or "none"


def _shown(properties: dict[str, Any], required: frozenset[str]) -> Iterator[str]:
    for name in properties:
        yield f"**`{name}`**" if name in required else f"`{name}`"
