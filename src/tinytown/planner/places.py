"""On which lines the keys of a TOML text stand, which no TOML parser of Python tells."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec


class Places(msgspec.Struct, frozen=True):
    """Lines (from 1) of an array of tables and of the keys in it."""

    array: str
    """Name of the array of tables."""
    tables: tuple[int, ...]
    """Line of each header of the array."""
    keys: Mapping[tuple[int | None, str], int]
    """Line of each key, by index of its table (None at the top level) and name."""

    def line(self, index: int | None, key: str | None) -> int:
        """The line of a key; of its table, its array or the text's start where it is not on a line of its own."""
        if key is not None and (found := self.keys.get((index, key))):
            return found
        if index is not None and index < len(self.tables):
            return self.tables[index]
        return self.keys.get((None, self.array), 1)


_QUOTED = re.compile(
    r"""
    (?P<long> \'{3} .*? \'{3} (?!\') | "{3} (?: \\. | [^\\] )*? "{3} (?!") )
  | (?P<short> '[^'\n]*' | "(?: \\. | [^"\\\n] )*" )
  | (?P<comment> \# [^\n]* )
    """,
    re.DOTALL | re.VERBOSE,
)
_HEADER = re.compile(r"\s*\[\[?(?P<path>[^\[\]]*)\]")
_KEY = re.compile(r"\s*(?P<path>[^=]+?)\s*=")
_ELSEWHERE = -1
"""Index of tables that are not the array's."""
_UNSAFE = str.maketrans("[]{}=#.", "_______")


def read_places(text: str, array: str) -> Places:
    """Find the headers of an array of tables and all keys.

    Args:
        text: TOML that parses.
        array: name of the array of tables, at the top level.
    """
    scan = _Scan(array)
    for number, line in enumerate(_QUOTED.sub(_masked, text).split("\n"), start=1):
        scan.read(number, line)
    return Places(array, tuple(scan.tables), scan.keys)


class _Scan:
    """Reads lines one after the other and remembers in which table it is."""

    def __init__(self, array: str) -> None:
        self.tables: list[int] = []
        self.keys: dict[tuple[int | None, str], int] = {}
        self._array = array
        self._index: int | None = None
        self._depth = 0

    def read(self, number: int, line: str) -> None:
        """Take in a line; inside the brackets of a value that began on another line there are no keys."""
        if self._depth == 0 and (header := _HEADER.match(line)):
            self._enter(number, _names(header["path"]))
            return
        if self._depth == 0 and (key := _KEY.match(line)):
            self.keys.setdefault((self._index, _names(key["path"])[0]), number)
        self._depth += sum(line.count(mark) for mark in "[{") - sum(line.count(mark) for mark in "]}")

    def _enter(self, number: int, path: list[str]) -> None:
        if path == [self._array]:
            self.tables.append(number)
            self.keys.setdefault((None, self._array), number)
        elif path[0] == self._array:
            self.keys.setdefault((len(self.tables) - 1, path[1]), number)
        else:
            self.keys.setdefault((None, path[0]), number)
        self._index = len(self.tables) - 1 if path[0] == self._array else _ELSEWHERE


def _masked(match: re.Match[str]) -> str:
    """What a quoted text or a comment is replaced by: the same lines, and nothing that looks like TOML."""
    if match["short"]:
        return match["short"].translate(_UNSAFE)
    return '""' + "\n" * match["long"].count("\n") if match["long"] else ""


def _names(path: str) -> list[str]:
    return [part.strip().strip("\"'") for part in path.split(".")]
