"""What the source says of classes and their members: docstrings under attributes are not kept at run time."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import msgspec


class Meaning(msgspec.Struct, frozen=True):
    """The docstrings of one class."""

    text: str
    """Of the class itself."""
    members: Mapping[str, str]
    """Of its enum members or fields, by name; those without one are missing."""


def meaning_of(cls: type) -> Meaning:
    """The docstrings of a class and of its members, white space folded to one line each.

    Raises:
        LookupError: its module does not define it at the top level.
    """
    tree = ast.parse(Path(inspect.getfile(cls)).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            return Meaning(_folded(ast.get_docstring(node) or ""), dict(_members(node)))
    raise LookupError(f"{cls.__module__} does not define {cls.__name__}")


def _members(node: ast.ClassDef) -> list[tuple[str, str]]:
    return [
        (name, _folded(after.value.value))
        for before, after in pairwise(node.body)
        if (name := _assigned(before)) is not None
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    ]


def _assigned(node: ast.stmt) -> str | None:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def _folded(text: str) -> str:
    return " ".join(text.split())
