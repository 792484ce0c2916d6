"""Writes the pages of docs/ that are generated from the code: `python -m tools.docs`; `--check` only compares."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from tools import commands_page, keys_page, mcp_page, settings_page, states_page

DOCS = Path(__file__).parent.parent / "docs"

PAGES: Mapping[str, Callable[[], str]] = {
    "states.md": states_page.render,
    "reference/settings.md": settings_page.render,
    "reference/commands.md": commands_page.render,
    "reference/keys.md": keys_page.render,
    "reference/mcp.md": mcp_page.render,
}

_MARK = "<!-- Generated from the code by `make docs`: change the code, not this file. -->\n\n"


def stale(folder: Path = DOCS) -> list[str]:
    """The generated pages whose file is missing or says something else."""
    return [name for name in PAGES if _read(folder / name) != page(name)]


def page(name: str) -> str:
    """What a generated page should say."""
    return _MARK + PAGES[name]().rstrip("\n") + "\n"


def write(folder: Path = DOCS) -> list[str]:
    """Bring the files up to date; returns the names of those that changed."""
    changed = stale(folder)
    for name in changed:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(name), encoding="utf-8")
    return changed


def main(arguments: Sequence[str]) -> int:
    """Write, or with `--check` name what is stale; returns the exit code."""
    if arguments not in ([], ["--check"]):
        click.echo("usage: python -m tools.docs [--check]", err=True)
        return 2
    if not arguments:
        for name in write():
            click.echo(f"docs/{name} written")
        return 0
    found = stale()
    for name in found:
        click.echo(f"docs/{name} is stale: run `make docs` and commit it", err=True)
    return 1 if found else 0


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
