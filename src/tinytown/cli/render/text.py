"""The small change of rendering: columns, lengths of time, text from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from unicodedata import east_asian_width

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_GAP = "  "


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> list[str]:
    """Rows as lines with aligned columns."""
    table = [[plain(cell) for cell in row] for row in rows]
    if not table:
        return []
    widths = [max(_width(row[index]) for row in table) for index in range(len(table[0]))]
    return [
        (indent + _GAP.join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True))).rstrip()
        for row in table
    ]


def _width(text: str) -> int:
    """Columns that the text takes in a terminal."""
    return len(text) if text.isascii() else sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def plain(text: str) -> str:
    """Text from outside as one line without control characters: it must not steer the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` characters."""
    flat = plain(text)
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def span(length: timedelta) -> str:
    """A length of time in its two largest units: `2 h 5 min`."""
    secs = max(0, int(length.total_seconds()))
    if secs < _MINUTE:
        return f"{secs} s"
    if secs < _HOUR:
        return f"{secs // _MINUTE} min {secs % _MINUTE} s"
    if secs < _DAY:
        return f"{secs // _HOUR} h {secs % _HOUR // _MINUTE} min"
    return f"{secs // _DAY} d {secs % _DAY // _HOUR} h"


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago something was."""
    return "never" if at is None else f"{span(now - at)} ago"


def count(number: int, noun: str) -> str:
    """`1 item`, `3 items`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
