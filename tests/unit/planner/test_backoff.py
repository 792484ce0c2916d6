from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.planner.world import NOW

from tinytown.domain.backoff import retry_at
from tinytown.planner.backoff import ask_again_at, replan_at, watch_again_at


@pytest.mark.parametrize(
    ("tries", "secs"), [(0, 10), (1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (5000, 300)]
)
def test_tries_are_ten_seconds_apart_doubling_up_to_five_minutes(tries: int, secs: int) -> None:
    assert (retry_at(NOW, tries) - NOW).total_seconds() == secs


@pytest.mark.parametrize(("failures", "minutes"), [(0, 1), (1, 1), (2, 2), (3, 5), (99, 5)])
def test_failing_watches_look_again_after_one_two_then_five_minutes(failures: int, minutes: int) -> None:
    assert (watch_again_at(NOW, failures) - NOW).total_seconds() == 60 * minutes


@pytest.mark.parametrize(("times", "minutes"), [(0, 5), (1, 5), (2, 15), (3, 60), (4, 240), (50, 240)])
def test_help_is_asked_for_with_growing_pauses(times: int, minutes: int) -> None:
    assert (ask_again_at(NOW, times) - NOW).total_seconds() == 60 * minutes


@pytest.mark.parametrize(("waited", "secs"), [(0, 30), (100, 100), (9999, 300)])
def test_what_keeps_failing_is_tried_after_as_long_again(waited: int, secs: int) -> None:
    assert (replan_at(NOW, NOW - timedelta(seconds=waited)) - NOW).total_seconds() == secs
