"""Towns for web routes, which run in worker threads: each request has one to itself while it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from tinytown.bootstrap import Town


class TownPool:
    """Thread-safe. As many towns (connections) are open as were lent at the same time; `close()` it.

    Args:
        make: a town that has no connection yet; called again when `version()` says something else.
        version: what the towns depend on, such as the settings as they are now.
    """

    def __init__(self, make: Callable[[], Town], version: Callable[[], object] = lambda: None) -> None:
        self._make = make
        self._version = version
        self._lock = Lock()
        self._idle: list[tuple[object, Town]] = []
        self._is_closed = False

    @contextmanager
    def lend(self) -> Iterator[Town]:
        """A town that nobody else uses meanwhile; taking it does not wait for the store."""
        version = self._version()
        town = self._take(version) or self._make()
        try:
            yield town
        finally:
            self._take_back(version, town)

    def close(self) -> None:
        """Close the connections of what is not lent now, and of the rest when it comes back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for _, town in idle:
            town.close()

    def _take_back(self, version: object, town: Town) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append((version, town))
                return
        town.close()

    def _take(self, version: object) -> Town | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                made_for, town = self._idle.pop()
            if made_for == version:
                return town
            town.close()
