"""The town as web routes use it: routes run in worker threads, and each thread has a town (a connection) of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tinytown.bootstrap import Town


class TownAccess:
    """Opens the town once in each thread that asks for it."""

    def __init__(self, open_town: Callable[[], Town]) -> None:
        self._open = open_town
        self._local = threading.local()

    def __call__(self) -> Town:
        """This thread's town."""
        if not hasattr(self._local, "town"):
            self._local.town = self._open()
        town: Town = self._local.town
        return town
