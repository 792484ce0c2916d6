"""Attributes that are made once."""

from __future__ import annotations

import threading

from tinytown.once import cached_property


class Part:
    """Something whose part takes its time."""

    def __init__(self, barrier: threading.Barrier) -> None:
        self.barrier = barrier
        self.made = 0

    @cached_property
    def value(self) -> int:
        """Ready when all others are at it, too."""
        self.barrier.wait(timeout=5)
        self.made += 1
        return self.made


def test_part_is_made_once_for_each_object() -> None:
    part = Part(threading.Barrier(1))
    assert (part.value, part.value, part.made) == (1, 1, 1)
    assert Part.value.__doc__ == "Ready when all others are at it, too."


def test_objects_in_different_threads_do_not_wait_for_each_other() -> None:
    barrier = threading.Barrier(4)
    parts = [Part(barrier) for _ in range(4)]
    threads = [threading.Thread(target=lambda part=part: part.value) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [part.made for part in parts] == [1, 1, 1, 1]
