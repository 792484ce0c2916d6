"""Cuts visible text into what matters for dependency markers: phrases, references, separators, negations, words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

import msgspec

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.refs import IssueRef, host_of, parse_issue_ref
from tinytown.planner.prose import LINK, STRUCK


class Kind(Enum):
    """What a lexeme is."""

    PHRASE = "phrase"
    """Words that say that what follows comes first."""
    REF = "ref"
    """An issue."""
    VOID = "void"
    """Something struck through, where a reference may have been."""
    SEPARATOR = "separator"
    EITHER = "either"
    """A separator that says that one of the two may be enough."""
    FILLER = "filler"
    """A word that may stand between a phrase and its references."""
    COLON = "colon"
    BREAK = "break"
    """The end of a source line inside a paragraph."""
    OPEN = "open"
    CLOSE = "close"
    NEGATION = "negation"
    SOFT = "soft"
    """A word that may stand between a negation and the phrase it negates."""
    STOP = "stop"
    """A word after which a list entry's references are not what it waits for."""
    WORD = "word"
    OTHER = "other"


class Lexeme(msgspec.Struct):
    """One piece of text."""

    kind: Kind
    ref: IssueRef | None = None
    host: str = ""
    """Of a reference that is a URL."""


_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}"
PHRASE = r"(?:depends?(?:\s+|-)(?:up)?on|blocked(?:\s+|-)by|after|requires?)"
_LEXEME = re.compile(
    rf"""(?ix)
    (?P<space>\s+)
  | (?P<link>{LINK.pattern})
  | (?P<phrase>{PHRASE}(?![\w{_APOSTROPHES}@/\#-]))
  | (?P<joiner>as\s+well\s+as\b)
  | (?P<url>https?://[^\s<>,;()\[\]"\x00-\x04]+)
  | (?P<run>[\w\#@/.-][\w\#@/.{_APOSTROPHES}-]*)
  | (?P<mark>.)
    """,
    re.DOTALL,
)
_REF = rf"(?:[^\W_][\w-]*/[\w.-]+)?\#[1-9][0-9]{{0,9}}(?:[{_APOSTROPHES}]s)?"
_REFS = re.compile(rf"/?{_REF}(?:/{_REF})*/?", re.ASCII)
"""One reference, or several joined by slashes."""
_REF_OR_SLASH = re.compile(rf"{_REF}|/", re.ASCII)
_GENITIVE = re.compile(rf"[{_APOSTROPHES}]s\Z")
_MARKS = {
    ",": Kind.SEPARATOR,
    "&": Kind.SEPARATOR,
    "+": Kind.SEPARATOR,
    ":": Kind.COLON,
    "(": Kind.OPEN,
    "[": Kind.OPEN,
    ")": Kind.CLOSE,
    "]": Kind.CLOSE,
    STRUCK: Kind.VOID,
}
_FILLERS = (
    "all also both by closing completing completion either following issue issues item items landing merge merging"
    " of on pr prs pull release request requests story task tasks the these this those ticket tickets"
)
_NEGATIONS = "cannot neither never no nor not arent cant didnt doesnt dont isnt shouldnt wasnt werent wont"
_SOFT = "actually any anymore are at be been being even going has have is itself longer more need now still to was yet"
_STOPS = "block blocks blocking n/a needed none nothing replaced required superseded unblocks used"
_WORDS = {
    **dict.fromkeys(_FILLERS.split(), Kind.FILLER),
    **dict.fromkeys(_NEGATIONS.split(), Kind.NEGATION),
    **dict.fromkeys(_SOFT.split(), Kind.SOFT),
    **dict.fromkeys(("and", "plus", "/"), Kind.SEPARATOR),
    **dict.fromkeys(("or", "and/or"), Kind.EITHER),
    **dict.fromkeys(_STOPS.split(), Kind.STOP),
    "only": Kind.WORD,
}
_CONTRACTED = re.compile(rf"\w+n[{_APOSTROPHES}]t")
_CLOSING = "." + _APOSTROPHES


def read_lexemes(text: str, home: tuple[str, str]) -> list[Lexeme]:
    """Cut a block's text (see `prose`) into lexemes, in time linear in its length.

    Args:
        text: visible text of one block.
        home: (owner, repo) that a bare #5 belongs to.
    """
    return list(_lexemes(text, home))


def _lexemes(text: str, home: tuple[str, str]) -> Iterator[Lexeme]:
    position = 0
    while match := _LEXEME.match(text, position):
        position = match.end()
        group, found = match.lastgroup, match[0]
        if group in {"url", "run"} and (closing := len(found) - len(kept := found.rstrip(_CLOSING + ":!?*"))) and kept:
            position -= closing
            found = kept
        if group == "space":
            if "\n" in found:
                yield Lexeme(Kind.BREAK)
        elif group == "link":
            if re.search(rf"(?i)\b{PHRASE}\b", match["label"]):
                yield from _lexemes(match["label"], home)
            yield _reference(match["target"], home)
        elif group == "run" and _REFS.fullmatch(found):
            yield from _slashed(found, home)
        else:
            yield _lexeme(group or "", found, home)


def _lexeme(group: str, found: str, home: tuple[str, str]) -> Lexeme:
    match group:
        case "phrase":
            return Lexeme(Kind.PHRASE)
        case "joiner":
            return Lexeme(Kind.SEPARATOR)
        case "mark":
            return Lexeme(_MARKS.get(found, Kind.OTHER))
        case "url":
            return _reference(found, home)
    return Lexeme(_word(found.lower()))


def _slashed(found: str, home: tuple[str, str]) -> Iterator[Lexeme]:
    for piece in _REF_OR_SLASH.findall(found):
        yield Lexeme(Kind.SEPARATOR) if piece == "/" else _reference(_GENITIVE.sub("", piece), home)


def _reference(text: str, home: tuple[str, str]) -> Lexeme:
    try:
        return Lexeme(Kind.REF, parse_issue_ref(text, home), host_of(text))
    except InvalidInputError:
        return Lexeme(Kind.OTHER)


def _word(word: str) -> Kind:
    if kind := _WORDS.get(word):
        return kind
    if _CONTRACTED.fullmatch(word):
        return Kind.NEGATION
    if word.endswith("ly"):
        return Kind.SOFT
    return Kind.WORD if word[0].isalnum() else Kind.OTHER
