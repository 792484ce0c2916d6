"""A process to be started, as a value that shows no secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tinytown.runtime.redaction import redact

SHOWN_ARGUMENT_CHARS = 80


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """A process to be started. Shown and logged without its prompt, its environment and its secrets."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    stdin: bytes | None = None
    """The prompt; None for no input at all."""
    log_path: Path
    """Where its output is appended."""
    redact: tuple[str, ...] = ()
    """Values that are never shown."""

    def __repr__(self) -> str:
        shown = [shortened(redact(argument, self.redact)) for argument in self.argv]
        size = "no input" if self.stdin is None else f"{len(self.stdin)} bytes of input"
        return f"Launch({' '.join(shown)} in {self.cwd}, {size})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("what", repr(self))]


def shortened(argument: str) -> str:
    """An argument, cut to a length that can be shown."""
    return argument if len(argument) <= SHOWN_ARGUMENT_CHARS else f"{argument[:SHOWN_ARGUMENT_CHARS]}…"
