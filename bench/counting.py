"""A connection that counts its round trips and how long they took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from tinytown.store.address import Address
from tinytown.store.connection import Command, Connection
from tinytown.store.scripts import Script


class CountingConnection(Connection):
    """As a connection; counts what the mission store uses."""

    def __init__(self, address: Address) -> None:
        super().__init__(address, 60.0, revive=None, force=None)
        self.trips = 0
        self.waited_ms = 0.0
        """From sending a command to having its parsed reply."""

    def execute(self, *command: bytes | str | float) -> Any:
        """One command, counted and timed."""
        with self._one_trip():
            return super().execute(*command)

    def run_and_read(
        self,
        script: Script,
        prefix: str,
        args: Mapping[str, Any],
        reads: Sequence[Command],
        *,
        may_repeat: bool = False,
    ) -> list[Any]:
        """A script with what is read beside it, counted and timed."""
        with self._one_trip():
            return super().run_and_read(script, prefix, args, reads, may_repeat=may_repeat)

    def run(self, script: Script, prefix: str, args: Mapping[str, Any], *, may_repeat: bool = False) -> Any:
        """One script, counted and timed."""
        with self._one_trip():
            return super().run(script, prefix, args, may_repeat=may_repeat)

    @contextmanager
    def _one_trip(self) -> Iterator[None]:
        self.trips += 1
        started = perf_counter()
        try:
            yield
        finally:
            self.waited_ms += (perf_counter() - started) * 1000

    def reset(self) -> None:
        """Count anew."""
        self.trips, self.waited_ms = 0, 0.0
