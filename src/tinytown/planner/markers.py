"""Dependency markers: which issues a Markdown text says come first.

The rules, in the order in which a reader meets them:

- A *phrase* is `depends on`, `depend on`, `depends upon`, `blocked by`, `after`, `requires`, `require`, in any letter case, as whole
  words (a hyphen may join its two words, as in the trailer `Depends-on: #4`). A colon may follow.
- *References* follow it: `#4`, `owner/repo#4`, an issue or pull request URL, or a link that leads to one. They are
  joined by commas, `and`, `&`, `+`, `/`, `plus`, `as well as`, or blanks alone. `or` joins too, with a warning: both are
  waited for, because which of them is enough a text does not say. Between phrase and references only words
  such as "issue", "PR", "the following", "the completion of" may stand. A remark in brackets behind a reference does
  not end the list: "depends on #3 (login) and #4". Anything else does: "depends on #3; #4 is related".
- Entries of a list count when the list follows a text that ends in a phrase, or stands under a heading that is a
  phrase or the word "Dependencies" (up to the next heading). An entry gives the references it begins with; when it
  begins with words ("Auth endpoints (#3)") its first references, unless words such as "not", "none" or "blocks"
  come before them. An entry inside an entry, and a paragraph under such a heading, must begin with the reference.
- A negated phrase counts for nothing: "not blocked by", "no longer depends on", "doesn't really require",
  "neither depends on #1 nor requires #2". Only adverbs, auxiliary verbs and "or" may stand between the two.
- Code, quotations, comments, struck-through text and ticked task-list entries are not looked at (see `prose`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

import msgspec

from tinytown.domain.refs import IssueRef, is_same_host
from tinytown.planner.lexemes import PHRASE, Kind, Lexeme, read_lexemes
from tinytown.planner.prose import Block, BlockKind, read_blocks


class Found(msgspec.Struct, frozen=True):
    """What the markers of a text say."""

    refs: tuple[IssueRef, ...] = ()
    """In order of appearance, each once."""
    warnings: tuple[str, ...] = ()


def find_dependencies(body: str, *, home: tuple[str, str], itself: IssueRef | None, host: str = "") -> Found:
    """The issues that a text depends on by its markers; never fails, whatever the text.

    Args:
        body: Markdown of an issue or a document.
        home: (owner, repo) the text belongs to; a bare #5 in it means an issue there.
        itself: the issue the text belongs to; it cannot wait for itself, which gives a warning.
        host: the only one whose URLs count; another one gives a warning. Empty: any.
    """
    if not _DIGIT.search(body):
        return Found()
    refs: dict[IssueRef, IssueRef] = {}
    walk = _Walk(home, host)
    for ref in walk.blocks(read_blocks(body), under=_State.IDLE):
        refs.setdefault(ref.folded, ref)
    who = itself.label(home) if itself else "a document"
    warnings = [f"{who} names '{either}' as a dependency; it is taken as both" for either in walk.either]
    warnings += [f"{who} names {ref} as a dependency; issues elsewhere are not waited for" for ref in walk.elsewhere]
    if itself is not None and refs.pop(itself.folded, None) is not None:
        warnings.append(f"{who} names itself as a dependency; that is ignored")
    return Found(tuple(refs.values()), tuple(warnings))


_DIGIT = re.compile(r"[1-9]")
_PHRASE = re.compile(PHRASE, re.IGNORECASE)
_HEADING = re.compile(rf"(?i)[^\w#]*(?:{PHRASE}\b.*|dependenc(?:y|ies)[^\w#]*)", re.DOTALL)
_ONLY_DEPENDENCIES = re.compile(r"(?i)[^\w#]*dependenc(?:y|ies)[^\w#]*")


class _State(Enum):
    """What the references met next would be."""

    IDLE = "idle"
    """Nothing to do with a dependency."""
    EXPECT = "expect"
    """Dependencies, if they come at once."""
    SEEK = "seek"
    """Dependencies, if nothing speaks against it: a list entry under a phrase."""
    LIST = "list"
    """More dependencies: one came just now."""
    BROKEN = "broken"
    """The same, on a new line."""
    NEXT = "next"
    """Dependencies: a separator came."""


_JOINERS = (Kind.SEPARATOR, Kind.EITHER)
_AFTER = {
    **{(_State.EXPECT, kind): _State.EXPECT for kind in (Kind.FILLER, Kind.COLON, Kind.BREAK)},
    **{(_State.NEXT, kind): _State.NEXT for kind in (*_JOINERS, Kind.FILLER, Kind.COLON, Kind.BREAK)},
    **{(_State.SEEK, kind): _State.SEEK for kind in Kind if kind not in {Kind.NEGATION, Kind.STOP}},
    **{(state, kind): _State.LIST for state in _State for kind in (Kind.REF, Kind.VOID) if state is not _State.IDLE},
    (_State.SEEK, Kind.VOID): _State.SEEK,
    **{(state, kind): _State.NEXT for state in (_State.LIST, _State.BROKEN) for kind in _JOINERS},
    (_State.LIST, Kind.BREAK): _State.BROKEN,
}
"""What follows a lexeme in a state; IDLE where nothing is said. Phrases and brackets are `_Scan`'s own."""
_KEEPS_NEGATION = frozenset({Kind.SOFT, Kind.EITHER, Kind.PHRASE, Kind.REF, Kind.BREAK, Kind.VOID})
_WORDY = frozenset({Kind.WORD, Kind.FILLER, Kind.NEGATION, Kind.SOFT, Kind.STOP, Kind.PHRASE})


class _Scan:
    """Reads the lexemes of one block; remembers the state it ends in, the alternatives it met, and what is elsewhere."""

    def __init__(self, state: _State, host: str) -> None:
        self.state = state
        self.elsewhere: list[str] = []
        self._host = host
        self.either: list[tuple[IssueRef, IssueRef]] = []
        self._last: IssueRef | None = None
        """The dependency before the alternative that comes now."""
        self._is_either = False
        self._is_negated = False
        self._brackets: list[_State] = []

    def refs(self, lexemes: Sequence[Lexeme]) -> Iterator[IssueRef]:
        following = [lexeme.kind for lexeme in lexemes[1:]]
        for lexeme, next_kind in zip(lexemes, [*following, Kind.OTHER], strict=False):
            if lexeme.ref and self.state is _State.BROKEN and next_kind in _WORDY:
                self.state = _State.IDLE  # a line that begins with an issue and goes on with words is a new thought
            if lexeme.ref and self.state is not _State.IDLE:
                yield from self._noted(lexeme, lexeme.ref)
            self.state = self._next(lexeme.kind)
            self._is_either = self.state is _State.NEXT and (self._is_either or lexeme.kind is Kind.EITHER)
            self._is_negated = lexeme.kind is Kind.NEGATION or (self._is_negated and lexeme.kind in _KEEPS_NEGATION)

    def _noted(self, lexeme: Lexeme, ref: IssueRef) -> Iterator[IssueRef]:
        if lexeme.host and self._host and not is_same_host(lexeme.host, self._host):
            self.elsewhere.append(f"{ref} of {lexeme.host}")
            return
        if self._is_either and self._last is not None:
            self.either.append((self._last, ref))
        self._last = ref
        yield ref

    def _next(self, kind: Kind) -> _State:
        if kind is Kind.PHRASE:
            return _State.IDLE if self._is_negated else _State.EXPECT
        if kind is Kind.OPEN:
            return self._opened()
        if kind is Kind.CLOSE and self._brackets:
            return self._closed(self._brackets.pop())
        return _AFTER.get((self.state, kind), _State.IDLE)

    def _opened(self) -> _State:
        self._brackets.append(self.state)
        if self.state in {_State.EXPECT, _State.NEXT}:
            return _State.EXPECT
        return _State.SEEK if self.state is _State.SEEK else _State.IDLE

    def _closed(self, before: _State) -> _State:
        if before is _State.SEEK:
            return self.state
        return _State.IDLE if before is _State.IDLE else _State.LIST


class _Walk:
    """Goes through blocks and knows which lists and paragraphs stand under a phrase."""

    def __init__(self, home: tuple[str, str], host: str) -> None:
        self._home = home
        self._host = host
        self.either: dict[str, None] = {}
        """The alternatives met, as `#4 or #5`."""
        self.elsewhere: dict[str, None] = {}
        """What is named on other hosts, as `owner/repo#5 of host`."""

    def blocks(self, blocks: Iterable[Block], *, under: _State) -> Iterator[IssueRef]:
        """The references in sibling blocks.

        Args:
            blocks: the siblings.
            under: how the first paragraph is read; not IDLE inside a list that stands under a phrase.
        """
        in_section = False
        inner = _State.IDLE if under is _State.IDLE else _State.EXPECT
        paragraph, entries = under, inner
        for block in blocks:
            if block.kind is BlockKind.LIST:
                for entry in block.blocks:
                    yield from self.blocks(entry.blocks, under=entries)
                continue
            if block.kind is BlockKind.HEADING:
                paragraph = _State.IDLE
            scan = _Scan(paragraph if block.kind is BlockKind.TEXT else _State.IDLE, self._host)
            if scan.state is not _State.IDLE or _PHRASE.search(block.text):
                yield from scan.refs(read_lexemes(block.text, self._home))
                self.either |= {" or ".join(ref.label(self._home) for ref in pair): None for pair in scan.either}
                self.elsewhere |= dict.fromkeys(scan.elsewhere)
            asks = scan.state in {_State.EXPECT, _State.NEXT}
            is_heading = _is_heading(block, asks=asks)
            if block.kind is BlockKind.HEADING:
                in_section = is_heading
            paragraph = _State.EXPECT if in_section or is_heading else _State.IDLE
            entries = _State.SEEK if in_section or asks else inner


def _is_heading(block: Block, *, asks: bool) -> bool:
    """Whether a heading, or a paragraph that serves as one, consists of a phrase."""
    if block.kind not in {BlockKind.HEADING, BlockKind.TEXT}:
        return False
    if asks:
        return _HEADING.fullmatch(block.text) is not None
    return block.kind is BlockKind.HEADING and _ONLY_DEPENDENCIES.fullmatch(block.text) is not None
