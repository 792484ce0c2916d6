"""Dispatchers' heartbeats, and what is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec

from tinytown.store.codec import at_text, decode, encode, to_ms
from tinytown.store.connection import Connection
from tinytown.store.counters import STEP_BUCKETS
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

STALE_MS = 120_000
"""A dispatcher not heard of for this long is forgotten."""

GRACE_MS = 8_000
"""How long a host whose lease is missing may still come back for it. With the lease's own time it is the longest that a
dead machine goes unnoticed; a host that died where another can start is noticed at once, by its lock."""


class Dispatcher(msgspec.Struct, frozen=True, kw_only=True):
    """A dispatcher as it last said it was."""

    id: str
    machine: str
    pid: int
    started_at: datetime
    at_ms: int = 0
    """When it was last heard of, milliseconds since 1970."""
    steps: int = 0
    """Steps made since it started."""
    last_step_ms: float = 0.0
    """How long the last step took."""


StepOutcome: TypeAlias = Literal["decided", "stale", "lease", "conflict", "failed"]
"""What came of a step's decision: it was written, refused for that reason, or an error came before."""
Took: TypeAlias = tuple[float, StepOutcome]
"""A step: how many seconds it took, and what came of it."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What a heartbeat found."""

    missions: tuple[str, ...]
    """Missions due now."""
    active: tuple[str, ...]
    """Every active mission."""
    next_at: datetime | None
    """When the next one is due."""


class DispatcherStore:
    """The dispatchers of one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def beat(self, dispatcher: Dispatcher, at: datetime, took: Sequence[Took] = ()) -> Due:
        """Say that a dispatcher is there; hosts that stopped answering are released; returns what is due.

        Args:
            dispatcher: with the number of its steps so far.
            at: now.
            took: the last of its steps, all that no beat has told of for certain; none is counted twice.
        """
        record = msgspec.structs.replace(dispatcher, at_ms=to_ms(at))
        args = {
            "id": dispatcher.id,
            "record": encode(record),
            **_steps(dispatcher.steps, took),
            "stale_ms": STALE_MS,
            "grace_ms": GRACE_MS,
            "at": at_text(at),
            "ms": to_ms(at),
        }
        due, active, next_ms = self._connection.run(load("beat_dispatcher"), self._keys.prefix, args, may_repeat=True)
        return Due(
            missions=tuple(i.decode() for i in due),
            active=tuple(i.decode() for i in active),
            next_at=datetime.fromtimestamp(float(next_ms) / 1000, UTC) if next_ms else None,
        )

    def leave(self, dispatcher_id: str, *, steps: int = 0, took: Sequence[Took] = ()) -> None:
        """A dispatcher ended: another one may take its missions at once.

        Args:
            dispatcher_id: which.
            steps: how many it made, when it tells so itself.
            took: the last of them, as `beat` takes them.
        """
        args = {"id": dispatcher_id, **_steps(steps, took)}
        self._connection.run(load("leave_dispatcher"), self._keys.prefix, args, may_repeat=True)

    def tell_of_leaving(self, at: datetime) -> None:
        """Add an event that ends the wait for events of a dispatcher that is to end."""
        self._connection.run(load("tell_of_leaving"), self._keys.prefix, {"at": at_text(at)}, may_repeat=True)

    def all(self) -> list[Dispatcher]:
        """The dispatchers heard of lately."""
        found = self._connection.execute("HVALS", self._keys("dispatchers"))
        return sorted((decode(data, Dispatcher) for data in found), key=lambda d: d.started_at)


def _steps(steps: int, took: Sequence[Took]) -> dict[str, Any]:
    return {"steps": steps, "took": took, "buckets": STEP_BUCKETS}
