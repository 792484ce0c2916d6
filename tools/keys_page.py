"""docs/reference/keys.md: every key in Redis, from the table in the docstring of store/keys.py."""

from __future__ import annotations

import inspect

from tinytown.store import keys

_HEAD = """\
# Keys in Redis

One town, one prefix. The table is that of `src/tinytown/store/keys.py`, the only place where keys are spelled; the
scripts in `store/lua` build the same names.
"""


def render() -> str:
    """The page."""
    lines = (inspect.getdoc(keys) or "").splitlines()
    return "\n".join((_HEAD, *map(_line, lines[2:]), ""))


def _line(line: str) -> str:
    """A row with its key as code: `<id>` would vanish as HTML."""
    if not line.startswith(("| T:", "| P:")):
        return line
    _, key, *rest = line.split("|")
    return "|".join(("", f" `{key.strip()}` ", *(f" {cell.strip()} " if cell else "" for cell in map(_coded, rest))))


def _coded(cell: str) -> str:
    """A cell, with a placeholder outside code put into code."""
    return (
        cell
        if "`" in cell
        else " ".join(f"`{w}`" if w.startswith("<") and w.endswith(">") else w for w in cell.split())
    )
