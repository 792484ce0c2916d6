"""Taking turns at merging into a branch, across missions and machines: GitHub refuses those that meet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tinytown.domain.errors import ForgeUnavailableError
from tinytown.domain.ids import new_id
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.pool import ConnectionPool

HELD_MS = 60_000
"""How long a turn lasts at most: past it, whoever had it has died."""
_POLL_SECS = 0.1


class Turns:
    """Turns of one town. Thread-safe."""

    def __init__(
        self, connect: Callable[[], Connection], keys: Keys, *, wait_secs: float = 5.0, held_ms: int = HELD_MS
    ) -> None:
        """Args: wait_secs is how long a turn is waited for."""
        self._pool = ConnectionPool(connect)
        self._keys = keys
        self._wait_secs = wait_secs
        self._held_ms = held_ms

    @contextmanager
    def at(self, base: str) -> Iterator[None]:
        """Have the turn at the branch. ForgeUnavailableError: others have it all the time."""
        key, token = self._keys("forge", "merging", base), new_id()
        with self._pool.lend() as connection:
            self._take(connection, key, token, base)
            try:
                yield
            finally:
                if connection.execute("GET", key) == token.encode():
                    connection.execute("DEL", key)

    def close(self) -> None:
        """Close the connections to the store."""
        self._pool.close()

    def _take(self, connection: Connection, key: str, token: str, base: str) -> None:
        deadline = time.monotonic() + self._wait_secs
        while connection.execute("SET", key, token, "NX", "PX", self._held_ms) is None:
            if time.monotonic() >= deadline:
                raise ForgeUnavailableError(f"something else is being merged into {base}; this one is merged after it")
            time.sleep(_POLL_SECS)
