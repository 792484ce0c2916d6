"""Lua scripts as values: each is one transition, in a file of its own under `lua/`."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).with_name("lua")
"""Not by importlib.resources: importing that takes 5 ms, and every command needs a script."""


_PASSING = frozenset(
    {
        "admit",
        "beat_dispatcher",
        "count_request",
        "defer_mission",
        "keep_answer",
        "note_audit",
        "note_quota",
        "read_agents",
        "read_census",
        "read_backlog",
        "read_mission",
        "renew_host",
        "take_delivery",
        "take_rate",
        "tell_of_leaving",
    }
)
"""Scripts that write nothing, what is written anew within seconds, or what somebody else has or tells again."""


class Script(msgspec.Struct, frozen=True):
    """A script's name, its text with `_lib.lua` put before it, and the SHA-1 by which the server knows it."""

    name: str
    text: bytes
    sha: str

    @property
    def is_passing(self) -> bool:
        """Whether it does no harm when what it wrote is lost because the machine stops."""
        return self.name in _PASSING


@cache
def load(name: str) -> Script:
    """The script `lua/<name>.lua`."""
    text = (_FOLDER / "_lib.lua").read_bytes() + (_FOLDER / f"{name}.lua").read_bytes()
    return Script(name, text, hashlib.sha1(text, usedforsecurity=False).hexdigest())
