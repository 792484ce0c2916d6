from __future__ import annotations

import structlog
from structlog.testing import capture_logs

from tinytown.runtime.outage import Outage


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def told(seconds: int) -> list[tuple[str, float | None]]:
    """What is logged, with the time away, of an outage with a try each second."""
    clock = Clock()
    with capture_logs() as logs:
        outage = Outage(structlog.get_logger(), clock)
        outage.is_over()
        for _ in range(seconds):
            outage.goes_on("nobody is there")
            clock.now += 1
        outage.is_over()
        outage.is_over()
    return [(str(entry["action"]), entry.get("away_secs")) for entry in logs]


def test_a_short_outage_is_told_once_and_its_end_with_its_length() -> None:
    assert told(30) == [("store_unavailable", None), ("store_back", 30)]


def test_a_long_outage_is_told_again_at_growing_pauses() -> None:
    assert told(2000) == [
        ("store_unavailable", None),
        *[("store_unavailable", secs) for secs in (60, 180, 420, 900, 1860)],
        ("store_back", 2000),
    ]


def test_no_outage_is_not_told() -> None:
    assert told(0) == []


def test_the_next_outage_begins_anew() -> None:
    clock = Clock()
    with capture_logs() as logs:
        outage = Outage(structlog.get_logger(), clock)
        for _ in range(2):
            outage.goes_on("nobody is there")
            outage.is_over()
    assert [entry["action"] for entry in logs] == ["store_unavailable", "store_back"] * 2
