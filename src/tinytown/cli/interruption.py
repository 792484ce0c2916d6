"""Being asked to end: SIGINT and SIGTERM as a flag, and as the end of a wait."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self


class _WaitOver(Exception):  # noqa: N818  not an error: it ends a wait
    """A signal came while nothing was done but waiting."""


class Interruption:
    """Whether somebody asked us to end. Work is never cut short; a wait inside `with interruption:` is.

    Use `listen()` around the whole, then `with interruption:` around each wait.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._is_waiting = False

    @contextmanager
    def listen(self) -> Iterator[None]:
        """A context in which SIGINT and SIGTERM come here; what handled them before is put back after it."""
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        except _WaitOver:
            return
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  the signature is given
        self.is_asked = True
        if self._is_waiting:
            self._is_waiting = False
            raise _WaitOver

    def __enter__(self) -> Self:
        self._is_waiting = not self.is_asked
        if self.is_asked:
            raise _WaitOver
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._is_waiting = False
        return kind is _WaitOver
