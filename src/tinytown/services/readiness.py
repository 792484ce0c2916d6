"""Whether the store answers, found out quickly and on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from time import perf_counter

import msgspec

from tinytown.services.insights import dispatcher_seen
from tinytown.store.codec import decode
from tinytown.store.connection import Connection
from tinytown.store.dispatchers import Dispatcher
from tinytown.store.keys import Keys


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The store as it answered."""

    latency_secs: float
    """Of one round trip."""
    is_dispatching: bool
    """Whether there is a dispatcher to be counted on."""


def look(connect: Callable[[], Connection], keys: Keys, clock: Callable[[], datetime]) -> Readiness:
    """Ask the store.

    Args:
        connect: opens a connection that waits no longer than the caller wants to.
        keys: the town's.
        clock: tells the time.

    Raises:
        StoreUnavailableError: it does not answer. StoreError: it refuses us.
    """
    with closing(connect()) as connection:
        asked = perf_counter()
        _, records = connection.execute_many([("PING",), ("HVALS", keys("dispatchers"))])
        latency = perf_counter() - asked
    seen = (dispatcher_seen(decode(record, Dispatcher), clock()) for record in records)
    return Readiness(latency_secs=latency, is_dispatching=any(one.is_alive for one in seen))
