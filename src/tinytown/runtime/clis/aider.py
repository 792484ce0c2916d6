"""Aider, `aider --message-file`: aider.chat/docs/scripting.html. It has no sessions to resume."""

from __future__ import annotations

import re

from tinytown.runtime.clis.base import Cli, PromptBy, Reading
from tinytown.runtime.clis.lines import read_text
from tinytown.runtime.usage import Usage

_TOKENS = re.compile(rb"Tokens: ([\d.,]{1,12})([kM]?) sent,.{0,60}?([\d.,]{1,12})([kM]?) received")
_COST = re.compile(rb"Cost: \$(\d{1,6}(?:\.\d{1,9})?) message")
_SCALE = {b"": 1, b"k": 1_000, b"M": 1_000_000}


def read(line: bytes) -> Reading:
    """After each message aider prints what it sent, received and cost."""
    tokens = _TOKENS.search(line)
    if tokens is None:
        return read_text(line)
    cost = _COST.search(line)
    return Reading(
        usage=Usage(
            tokens_in=_count(tokens[1], tokens[2]),
            tokens_out=_count(tokens[3], tokens[4]),
            cost_usd=float(cost[1]) if cost else 0.0,
        )
    )


def _count(digits: bytes, scale: bytes) -> int:
    try:
        return round(float(digits.replace(b",", b"")) * _SCALE[scale])
    except ValueError:
        return 0


AIDER = Cli(
    name="aider",
    command=(
        "aider",
        "--yes-always",
        "--no-pretty",
        "--no-stream",
        "--no-check-update",
        "--message-file",
        "{prompt_file}",
    ),
    prompt=PromptBy.FILE,
    reader=read,
)
