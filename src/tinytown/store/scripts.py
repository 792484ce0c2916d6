"""Lua scripts as values: each is one transition, in a file of its own under `lua/`."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

import msgspec


class Script(msgspec.Struct, frozen=True):
    """A script's name, its text with `_lib.lua` put before it, and the SHA-1 by which the server knows it."""

    name: str
    text: bytes
    sha: str


@cache
def load(name: str) -> Script:
    """The script `lua/<name>.lua`."""
    folder = resources.files("tinytown.store") / "lua"
    text = (folder / "_lib.lua").read_bytes() + (folder / f"{name}.lua").read_bytes()
    return Script(name, text, hashlib.sha1(text, usedforsecurity=False).hexdigest())
