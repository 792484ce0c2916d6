"""A connection that counts its round trips and how long they took."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from tinytown.store.address import Address
from tinytown.store.connection import Connection
from tinytown.store.scripts import Script


class CountingConnection(Connection):
    """As a connection; the stores that missions are stepped with use nothing but `run`."""

    def __init__(self, address: Address) -> None:
        super().__init__(address, 60.0, None)
        self.trips = 0
        self.waited_ms = 0.0
        """From sending a command to having its parsed reply."""

    def execute(self, *command: bytes | str | float) -> Any:
        """One command, counted."""
        self.trips += 1
        return super().execute(*command)

    def run(self, script: Script, prefix: str, args: Mapping[str, Any], *, may_repeat: bool = False) -> Any:
        """One script, counted and timed."""
        self.trips += 1
        started = perf_counter()
        try:
            return super().run(script, prefix, args, may_repeat=may_repeat)
        finally:
            self.waited_ms += (perf_counter() - started) * 1000

    def reset(self) -> None:
        """Count anew."""
        self.trips, self.waited_ms = 0, 0.0
