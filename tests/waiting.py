"""Waiting for something that another process or thread does, instead of sleeping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def wait_until(predicate: Callable[[], object], why: str, timeout_secs: float = 10) -> None:
    """Return as soon as `predicate()` is true; fail with `why` when it is not within the time."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout_secs
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_secs:g} s: {why}")
        pause.wait(0.01)
