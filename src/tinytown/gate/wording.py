"""What of an error may leave this machine: no path, no address of the store, nothing that git or Redis wrote."""

from __future__ import annotations

import re

from tinytown.domain.errors import (
    ConfigError,
    GitError,
    RemoteUnavailableError,
    StoreError,
    StoreUnavailableError,
    TinytownError,
)

_GENERAL: tuple[tuple[type[TinytownError], str], ...] = (
    (StoreUnavailableError, "the store cannot be reached just now; try again in a moment"),
    (StoreError, "the store refused this; the server's log says why"),
    (ConfigError, "the town's settings do not allow this; the server's log says what to change"),
    (RemoteUnavailableError, "the git remote cannot be reached just now; try again later"),
    (GitError, "git refused this; the server's log says why"),
)
"""Errors whose messages are for who runs the server; the first that fits counts."""
_PATH = re.compile(r"(?<![\w.:/~\\-])~?/[^\s'\"`,;:()]+")
HIDDEN = "…"


def is_for_operators(error: TinytownError) -> bool:
    """Whether its message is for who runs the server, so that it belongs into the log."""
    return isinstance(error, tuple(kind for kind, _ in _GENERAL))


def outward(error: TinytownError) -> str:
    """The error's message as others may read it, in one line."""
    general = next((text for kind, text in _GENERAL if isinstance(error, kind)), None)
    return without_paths(error.message) if general is None else general


def without_paths(text: str) -> str:
    """The text in one line, with absolute paths taken out."""
    return _PATH.sub(HIDDEN, "; ".join(line.strip() for line in text.splitlines() if line.strip()))
