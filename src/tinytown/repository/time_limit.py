"""How long what is asked of others may take altogether, for whoever waits: a mission's lease does not wait.

One call of a forge is many conversations, with git and with its API, each with a limit of its own; together they could
take minutes. The limit goes with the call, however deep: it is the context's, of one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_UNTIL: ContextVar[float | None] = ContextVar("tinytown_until", default=None)


@contextmanager
def within(secs: float) -> Iterator[None]:
    """Let what is asked in here take so many seconds altogether, or less where a limit is set already."""
    token = _UNTIL.set(monotonic() + left_secs(secs))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def left_secs(most: float) -> float:
    """How long a conversation that begins now may take: `most` seconds, or what is left of the limit; at least 0."""
    until = _UNTIL.get()
    return most if until is None else max(0.0, min(most, until - monotonic()))
