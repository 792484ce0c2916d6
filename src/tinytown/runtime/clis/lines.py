"""Reading lines of output: JSON events whose shape is not to be trusted, and plain text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import msgspec

from tinytown.runtime.clis.base import NOTHING, Reading
from tinytown.runtime.clis.rate_limit import find_rate_limit

MESSAGE_CHARS = 4_000
MOST_TOKENS = 1 << 40

_ANSI = re.compile(rb"\x1b(?:\[[0-9;?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)?)")
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_ERROR = re.compile(r"\s{0,8}(?:\[?(?:fatal|error|api error)\b[\]:]?|error code)", re.IGNORECASE)


class Event:
    """One JSON object of a line; what is missing or of another type reads as nothing."""

    def __init__(self, data: dict[str, object]) -> None:
        self._data = data

    def at(self, *path: str) -> object:
        """The value at that path, None when there is none."""
        value: object = self._data
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str:
        """The text at that path, cut to a sane length; empty when there is none."""
        value = self.at(*path)
        return value[:MESSAGE_CHARS] if isinstance(value, str) else ""

    def number(self, *path: str) -> float:
        """The number at that path; 0 when there is none, or one that cannot be."""
        value = self.at(*path)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return 0
        return value if math.isfinite(value) and 0 < value < MOST_TOKENS else 0

    def count(self, *path: str) -> int:
        """The whole number at that path; 0 when there is none."""
        return int(self.number(*path))

    def session(self, *path: str) -> str | None:
        """The session id at that path, if it can safely be an argument of a command."""
        value = self.at(*path)
        return value if isinstance(value, str) and _SESSION.fullmatch(value) else None

    def message(self, *path: str) -> str:
        """The error message at that path, which may be a text or an object with a `message`."""
        return self.text(*path) or self.text(*path, "message") or self.text(*path, "data", "message")


def failure(message: str) -> Reading:
    """The reading of an error message: it may tell of a rate limit."""
    return Reading(error=message or "the agent's CLI reported an error", rate_limit=find_rate_limit(message))


def reads_events(read: Callable[[Event], Reading]) -> Callable[[bytes], Reading]:
    """A reader for CLIs that print an event a line; any other line is read as plain text."""

    def reader(line: bytes) -> Reading:
        line = _ANSI.sub(b"", line).strip()
        if not line.startswith(b"{"):
            return read_text(line, is_speech=False)
        try:
            data = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return NOTHING
        return read(Event(data)) if isinstance(data, dict) else NOTHING

    return reader


def read_text(line: bytes, *, is_speech: bool = True) -> Reading:
    """A line of plain text: what the agent says, unless it looks like an error.

    Only lines that look like errors may tell of a rate limit: agents also work on code about rate limits.
    """
    text = _ANSI.sub(b"", line[: 8 * MESSAGE_CHARS]).decode("utf-8", "replace").strip()[:MESSAGE_CHARS]
    if not text:
        return NOTHING
    limit = find_rate_limit(text)
    if limit and (_ERROR.match(text) or limit.resets_at or not is_speech or _is_verdict(text)):
        return Reading(error=text, rate_limit=limit)
    if _ERROR.match(text):
        return Reading(error=text)
    return Reading(text=text) if is_speech else NOTHING


def _is_verdict(text: str) -> bool:
    return text.lower().startswith(("you've hit", "you have hit", "you've reached", "rate limit", "usage limit"))
