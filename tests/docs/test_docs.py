"""What is written about the program is true of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import get_args, get_origin

import click
import msgspec
import pytest
from tests.docs.pages import DECISIONS, ROOT, Link, Quoted, anchors, command_lines, links, mentions, pages
from tools import docs

from tinytown.cli.app import tt
from tinytown.config import Settings
from tinytown.domain.agent import AgentState
from tinytown.domain.mission import MissionState
from tinytown.domain.task import TaskState
from tinytown.domain.watch import WatchStatus
from tinytown.domain.workitem import WorkStatus
from tinytown.runtime.clis import BUILT_IN

STATES: tuple[type[Enum], ...] = (MissionState, WorkStatus, WatchStatus, TaskState, AgentState)
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = frozenset(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
LINKS = [link for page in pages() for link in links(page)]
TYPED = [quoted for page in pages() for quoted in command_lines(page)]
MENTIONED = [quoted for page in pages() for quoted in mentions(page)]
LEFT_OUT = frozenset({"…", "..."})


def test_generated_pages_are_up_to_date() -> None:
    assert docs.stale() == []


def test_a_missing_or_changed_page_is_stale_and_is_written_anew(tmp_path: Path) -> None:
    assert docs.stale(tmp_path) == list(docs.PAGES)
    docs.write(tmp_path)
    (tmp_path / "states.md").write_text("# States\n")
    assert docs.stale(tmp_path) == ["states.md"]
    assert docs.write(tmp_path) == ["states.md"]
    assert docs.stale(tmp_path) == []


def test_lint_compares_the_generated_pages() -> None:
    done = subprocess.run([sys.executable, "-m", "tools.docs", "--check"], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert "-m tools.docs --check" in MAKEFILE


def test_every_state_has_its_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| \S.*\|$", _read("docs/states.md"), re.MULTILINE)
    assert rows == [state.value for states in STATES for state in states]


def test_every_command_has_its_help() -> None:
    sections = re.findall(r"^## (tt.*)$", _read("docs/reference/commands.md"), re.MULTILINE)
    assert sections == list(_paths(tt, "tt"))


def test_every_setting_has_its_row() -> None:
    text = _read("docs/reference/settings.md")
    keys = list(_keys(Settings))
    assert len(keys) > 20
    assert [key for key in keys if f"| `{key}` |" not in text] == []


def test_every_agent_cli_is_named_where_agents_are_explained() -> None:
    text = _read("docs/agents.md")
    assert [name for name in BUILT_IN if f"`{name}`" not in text] == []


@pytest.mark.parametrize("link", LINKS, ids=[link.place for link in LINKS])
def test_link_leads_somewhere(link: Link) -> None:
    assert link.file.exists()
    if link.anchor:
        assert link.anchor in anchors(link.file)


@pytest.mark.parametrize("quoted", TYPED, ids=[quoted.place for quoted in TYPED])
def test_command_in_a_block_can_be_typed(quoted: Quoted) -> None:
    program, *words = quoted.words
    if program == "make":
        assert set(words) <= TARGETS
        return
    command, ctx, rest = _found(words)
    assert not isinstance(command, click.Group) or command.invoke_without_command or not words
    command.make_context(ctx.info_name, rest, parent=ctx.parent)  # raises what a person would be told


@pytest.mark.parametrize("quoted", MENTIONED, ids=[quoted.place for quoted in MENTIONED])
def test_command_in_the_text_exists(quoted: Quoted) -> None:
    program, *words = quoted.words
    if program == "make":
        assert set(words) <= TARGETS
        return
    command, _, rest = _found(words)
    if isinstance(command, click.Group):
        assert {word for word in rest if not word.startswith("-")} <= LEFT_OUT
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = {word.partition("=")[0] for word in rest if word.startswith("-") and word != "-"}
    assert given <= known | {"--help"}


def test_readme_shows_the_two_commands_and_the_board() -> None:
    typed = {quoted.words for quoted in command_lines(ROOT / "README.md")}
    assert {("make", "demo"), ("make", "test")} <= typed
    assert any(link.file.name == "board.svg" for link in links(ROOT / "README.md"))


def test_decisions_are_numbered_have_their_four_parts_and_are_listed() -> None:
    records = sorted(file for file in DECISIONS.glob("*.md") if file.name != "README.md")
    assert [int(file.name[:4]) for file in records] == list(range(1, len(records) + 1))
    for file in records:
        parts = re.findall(r"^\*\*(\w+)\.?\*\*", file.read_text("utf-8"), re.MULTILINE)
        assert parts == ["Status", "Context", "Decision", "Consequence"], file.name
    assert [link.file.name for link in links(DECISIONS / "README.md")] == [file.name for file in records]


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            waiting += [link.file for link in links(page)]
    assert [page for page in pages() if page not in reached] == []


def _read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def _paths(command: click.Command, path: str) -> Iterator[str]:
    """The command and every one under it that is shown."""
    yield path
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=path)
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            if not inner.hidden:
                yield from _paths(inner, f"{path} {name}")


def _found(words: list[str]) -> tuple[click.Command, click.Context, list[str]]:
    """The command that the words name, and what is left of them."""
    command: click.Command = tt
    ctx, rest = click.Context(tt, info_name="tt"), list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        inner = command.get_command(ctx, rest[0])
        if inner is None:
            assert rest[0] in LEFT_OUT, f"there is no command '{' '.join(words)}'"
            break
        command, ctx = inner, click.Context(inner, info_name=rest.pop(0), parent=ctx)
    return command, ctx, rest


def _keys(struct: type[msgspec.Struct]) -> Iterator[str]:
    """The keys of the struct's tables that hold values."""
    for field in msgspec.structs.fields(struct):
        is_mapping = get_origin(field.type) is Mapping
        kind = get_args(field.type)[1] if is_mapping else field.type  # of a table of tables, what one of them has
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from _keys(kind)
        elif struct is not Settings:
            yield field.name
