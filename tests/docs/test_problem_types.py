"""The table of problem types in docs/rest.md is that of the code."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

from tests.docs.pages import ROOT

from tinytown.domain import errors
from tinytown.domain.errors import TinytownError

ROOMS = ("gate", "townhall", "serving", "mcp")
ROW = re.compile(r"^\| `([a-z-]+)` \| (\d{3}) \| \S.*\|$", re.MULTILINE)


def _of_classes() -> Iterator[tuple[str, int]]:
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, TinytownError) and kind is not TinytownError:
            yield TinytownError.slug.fget(kind.__new__(kind)), kind.http_status  # type: ignore[attr-defined]


def _of_calls() -> Iterator[tuple[str, int | None]]:
    """Kinds that are written out where they are answered with; the status is None where it is no plain number."""
    for room in ROOMS:
        for path in sorted((ROOT / "src" / "tinytown" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                match node:
                    case ast.Call(func=ast.Name(id="problem"), args=[status, ast.Constant(value=str() as slug), *_]):
                        number = status.value if isinstance(status, ast.Constant) else None
                        yield slug, number if isinstance(number, int) else None


def _table() -> dict[str, int]:
    text = (ROOT / "docs" / "rest.md").read_text("utf-8")
    rows = ROW.findall(text)
    assert len(rows) == len({slug for slug, _ in rows})
    return {slug: int(status) for slug, status in rows}


def test_every_kind_of_problem_is_in_the_table_with_its_status_and_nothing_else() -> None:
    table = _table()
    found = [*_of_classes(), *_of_calls()]
    assert set(table) == {slug for slug, _ in found}
    wrong = {slug: status for slug, status in found if status is not None and table[slug] != status}
    assert wrong == {}
