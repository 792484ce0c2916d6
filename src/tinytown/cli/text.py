"""Text that people give as an argument, or on standard input as `-`."""

from __future__ import annotations

import sys

STDIN = "-"


def read_text(argument: str) -> str:
    """The argument, or what is on standard input when it is `-`; bytes that are not UTF-8 are replaced."""
    return argument if argument != STDIN else sys.stdin.buffer.read().decode("utf-8", "replace")
