"""No module imports one that imports it, however far round, also not for types alone."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import tinytown

ROOT = Path(tinytown.__file__).parent


def imports(file: Path, modules: set[str]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & modules


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_module_imports_itself_by_way_of_others() -> None:
    files = {name_of(file): file for file in ROOT.rglob("*.py")}
    packages = {name for name, file in files.items() if file.name == "__init__.py"}
    graph = {name: imports(file, set(files)) - packages for name, file in files.items() if name not in packages}
    assert "tinytown.runtime.runner" in graph["tinytown.runtime.host"]
    circle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert circle == []
