"""Several threads that want the same thing at once: one of them gets it, for all."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Sharing(Generic[T]):
    """Thread-safe; remembers nothing."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._under_way: dict[Hashable, Future[T]] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` returns or raises, perhaps called by another thread that wants what has this key.

        It may have been called before this was: the key must tell apart what must not be that old.
        """
        with self._lock:
            found = self._under_way.get(key)
            own: Future[T] = Future()
            if found is None:
                self._under_way[key] = own
        if found is not None:
            return found.result()
        try:
            own.set_result(make())
        except BaseException as error:  # not handled: also given to those who wait, who would wait for ever
            own.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._under_way[key]
        return own.result()
