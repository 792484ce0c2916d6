"""What a reader sees of a Markdown text: its blocks as plain text, without code, quotes, comments and struck parts.

GitHub's Markdown as far as it matters here: CommonMark with tables, strikethrough and task lists.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from enum import Enum

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.refs import host_of, parse_issue_ref

OPAQUE = "\x00"
"""Stands for code and other things that are not prose; `read_blocks` lets no control character of the source through."""
STRUCK = "\x01"
"""Stands for text that was struck through."""
LINK_OPEN, LINK_TO, LINK_CLOSE = "\x02", "\x03", "\x04"
"""A link to an issue is LINK_OPEN, its text, LINK_TO, the issue's URL, LINK_CLOSE."""
LINK = re.compile(f"{LINK_OPEN}(?P<label>[^{LINK_CLOSE}]*){LINK_TO}(?P<target>[^{LINK_CLOSE}]*){LINK_CLOSE}")

# Made once because that costs as much as parsing an issue; parsing does not change it. Each level of nesting allowed
# costs time on hostile texts.
_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": 40}).enable(["table", "strikethrough"])
_STRUCK_TAGS = frozenset({"del", "s", "strike"})
_HIDING_TAGS = frozenset({"code", "pre", "blockquote", "kbd", "samp", "script", "style", "template"}) | _STRUCK_TAGS
_FORMAT_TAGS = frozenset({"a", "b", "em", "font", "i", "ins", "mark", "small", "span", "strong", "sub", "sup", "u"})
_HTML = re.compile(
    r"(?P<comment><!--.*?(?:-->|\Z))|<(?P<close>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9-]*)[^<>]*>|(?P<text>[^<]+|<)", re.DOTALL
)
_CONTROLS = dict.fromkeys((*range(9), 11, *range(14, 32), 127), " ")
_BOX = re.compile(r"\[(?P<tick>[ xX])\]\s+")


class BlockKind(Enum):
    """What a block is."""

    HEADING = "heading"
    TEXT = "text"
    """A paragraph."""
    CELL = "cell"
    """A table cell, or raw HTML with text in it."""
    LIST = "list"
    ENTRY = "entry"
    """One entry of a list; its text is in its blocks."""
    HIDDEN = "hidden"
    """Code, a quotation, a ticked entry, a rule: something stands there, but no prose."""


class Block(msgspec.Struct):
    """One block, with the blocks inside it."""

    kind: BlockKind
    text: str = ""
    """Line breaks of the source are kept as newlines."""
    blocks: list[Block] = []


def read_blocks(body: str) -> list[Block]:
    """The blocks of a Markdown text, in order; never fails, whatever the text.

    Comments leave no block at all, so that a hint in an issue template does not part a phrase from its list.
    """
    # A lone surrogate cannot be put into a link's address and would make the parser fail.
    text = body.translate(_CONTROLS).encode("utf-8", "replace").decode("utf-8")
    return _Reader().read(_MARKDOWN.parse(text))


def first_heading(body: str) -> str | None:
    """The text of the first heading that is not inside another block, on one line."""
    for block in read_blocks(body):
        if block.kind is BlockKind.HEADING and (title := _title(block.text)):
            return title
    return None


def _title(text: str) -> str:
    return " ".join(LINK.sub(r"\g<label>", text).replace(OPAQUE, " ").replace(STRUCK, " ").split())


_CONTAINERS = {
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "list_item_open": BlockKind.ENTRY,
    "blockquote_open": BlockKind.HIDDEN,
}
_LEAVES = {
    "heading_open": BlockKind.HEADING,
    "paragraph_open": BlockKind.TEXT,
    "th_open": BlockKind.CELL,
    "td_open": BlockKind.CELL,
}
_CLOSERS = frozenset(name.replace("_open", "_close") for name in _CONTAINERS)
_UNSEEN = frozenset({"fence", "code_block", "hr"})


class _Reader:
    """Builds the tree of blocks from the parser's flat tokens."""

    def __init__(self) -> None:
        self._root: list[Block] = []
        self._open: list[Block] = []
        self._html = _Html()
        self._leaf = BlockKind.TEXT

    def read(self, tokens: Sequence[Token]) -> list[Block]:
        for token in tokens:
            if kind := _CONTAINERS.get(token.type):
                self._open.append(self._add(Block(kind, blocks=[])))
            elif token.type in _CLOSERS:
                self._close()
            elif token.type == "inline":
                self._add(self._inline(token))
            elif token.type == "html_block":
                self._raw(token.content)
            elif token.type in _UNSEEN:
                self._add(Block(BlockKind.HIDDEN))
            else:
                self._leaf = _LEAVES.get(token.type, self._leaf)
        return self._root

    def _add(self, block: Block) -> Block:
        (self._open[-1].blocks if self._open else self._root).append(block)
        return block

    def _close(self) -> None:
        block = self._open.pop()
        if block.kind is BlockKind.HIDDEN:
            block.blocks = []

    def _inline(self, token: Token) -> Block:
        if self._html.is_hiding:
            return Block(BlockKind.HIDDEN)
        text = "".join(_inline_text(token.children or ()))
        entry = self._open[-1] if self._open else None
        is_first = entry is not None and entry.kind is BlockKind.ENTRY and not entry.blocks
        if entry is not None and is_first and _BOX.match(token.content) and (box := _BOX.match(text)):
            if box["tick"] != " ":
                entry.kind = BlockKind.HIDDEN
            text = text[box.end() :]
        return Block(self._leaf, text)

    def _raw(self, source: str) -> None:
        text = self._html.text(source)
        if text.strip(f" \n\t{OPAQUE}"):
            self._add(Block(BlockKind.CELL, text))


class _Html:
    """Follows raw HTML: what is inside struck-through, code and quotation elements is not prose."""

    def __init__(self) -> None:
        self._hiding: list[str] = []

    @property
    def is_hiding(self) -> bool:
        return bool(self._hiding)

    def text(self, source: str) -> str:
        return "".join(self._pieces(source))

    def _pieces(self, source: str) -> Iterator[str]:
        for match in _HTML.finditer(source):
            if match["tag"]:
                yield self.tag(match["tag"].lower(), is_closing=bool(match["close"]))
            elif match["text"] and not self._hiding:
                yield html.unescape(match["text"])
            else:
                yield " "

    def tag(self, name: str, *, is_closing: bool) -> str:
        """Note a tag; returns what stands for it in the text."""
        if name not in _HIDING_TAGS:
            return "" if name in _FORMAT_TAGS else OPAQUE
        if not is_closing:
            self._hiding.append(name)
        elif name in self._hiding:
            while self._hiding.pop() != name:
                pass
        return STRUCK if name in _STRUCK_TAGS else OPAQUE


def _inline_text(tokens: Sequence[Token]) -> Iterator[str]:
    """The pieces of a paragraph's visible text."""
    raw = _Html()
    struck = 0
    links: list[str] = []
    for token in tokens:
        is_hidden = bool(struck) or raw.is_hiding
        if token.type == "html_inline":
            yield raw.text(token.content)
        elif token.type in {"s_open", "s_close"}:
            struck += token.nesting
            yield STRUCK
        elif token.type == "link_open":
            links.append("" if is_hidden else _issue_at(str(token.attrGet("href"))))
            yield LINK_OPEN if links[-1] else ""
        elif token.type == "link_close":
            yield f"{LINK_TO}{target}{LINK_CLOSE}" if (target := links.pop()) else ""
        elif not is_hidden:
            yield _plain(token)


def _plain(token: Token) -> str:
    if token.type in {"softbreak", "hardbreak"}:
        return "\n"
    if token.type in {"code_inline", "image"}:
        return OPAQUE
    return token.content


def _issue_at(address: str) -> str:
    """The plain URL of the issue that a link leads to, or nothing."""
    if not address.startswith(("http://", "https://")):
        return ""
    try:
        ref = parse_issue_ref(address, ("", ""))
    except InvalidInputError:
        return ""
    return f"https://{host_of(address)}/{ref.owner}/{ref.repo}/issues/{ref.number}"
