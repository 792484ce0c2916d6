"""The written pages of the repository, and what is quoted in them."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent.parent
DECISIONS = ROOT / "docs" / "decisions"

_SHELLS = frozenset({"sh", "bash", "console"})
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


class Quoted(NamedTuple):
    """A command in a page."""

    place: str
    words: tuple[str, ...]


class Link(NamedTuple):
    """A link from one page of the repository to another place in it."""

    place: str
    file: Path
    anchor: str


def pages() -> list[Path]:
    """Every page people wrote or that was generated."""
    return sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))


def links(page: Path) -> Iterator[Link]:
    """The links of a page that stay in the repository; pictures too."""
    for token in _inline(page):
        target = str(token.attrGet("href") or token.attrGet("src") or "")
        if target and "://" not in target:
            path, _, anchor = target.partition("#")
            yield Link(f"{_name(page)}: {target}", (page.parent / path).resolve() if path else page, anchor)


def anchors(page: Path) -> set[str]:
    """What a link may name behind `#`, as GitHub makes it from headings."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    titles = (after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open")
    return {_NOT_IN_ANCHORS.sub("", title.replace("`", "").lower()).replace(" ", "-") for title in titles}


def command_lines(page: Path) -> Iterator[Quoted]:
    """The `tt` and `make` commands in the page's shell blocks, each as it would be typed."""
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type == "fence" and token.info in _SHELLS:
            for line in token.content.replace("\\\n", " ").splitlines():
                yield from _commands(page, line)


def mentions(page: Path) -> Iterator[Quoted]:
    """The `tt` and `make` commands in the page's running text; they may leave things out."""
    for token in _inline(page):
        if token.type == "code_inline":
            yield from _commands(page, token.content)


def _commands(page: Path, line: str) -> Iterator[Quoted]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in (*lexer, ";"):
        if set(word) <= set(";&|"):
            if words and words[0] in {"tt", "make"}:
                yield Quoted(f"{_name(page)}: {line.strip()}", tuple(words))
            words = []
        else:
            words.append(word)


def _inline(page: Path) -> Iterator[Token]:
    for token in MarkdownIt().enable("table").parse(page.read_text("utf-8")):
        yield from token.children or ()


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
