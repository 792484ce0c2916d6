from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tinytown.runtime.clis.rate_limit import LONGEST_WAIT, RateLimit, epoch_limit, find_rate_limit

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("message", "until"),
    [
        ("Claude AI usage limit reached|1772629200", datetime(2026, 3, 4, 13, 0, tzinfo=UTC)),
        ("usage limit reached|1772629200000", datetime(2026, 3, 4, 13, 0, tzinfo=UTC)),
        ("You've hit your session limit · resets 8:20pm (Asia/Singapore)", datetime(2026, 3, 4, 12, 20, tzinfo=UTC)),
        ("usage limit reached, resets 3pm (America/Bogota)", datetime(2026, 3, 4, 20, 0, tzinfo=UTC)),
        ("usage limit reached. Your limit resets at 11:30 (UTC)", datetime(2026, 3, 5, 11, 30, tzinfo=UTC)),
        ("rate limit exceeded; resets at 2026-03-04T12:30:00Z", datetime(2026, 3, 4, 12, 30, tzinfo=UTC)),
        ("429 Too Many Requests: try again in 1 minute, 30 seconds", NOW + timedelta(seconds=90)),
        ("exceeded your quota. Your quota will reset after 2h13m5s.", NOW + timedelta(hours=2, minutes=13, seconds=5)),
        ("rate_limit_error, Retry-After: 12", NOW + timedelta(seconds=12)),
        (
            '{"type":"usage_limit_reached","resets_at":1772629200,"resets_in_seconds":9}',
            datetime(2026, 3, 4, 13, 0, tzinfo=UTC),
        ),
        ("Too many requests", NOW + timedelta(minutes=5)),
        ("usage limit reached, resets at 99:99", NOW + timedelta(minutes=5)),
        ("usage limit reached, resets 3pm (Nowhere/Land)", None),
    ],
)
def test_the_end_of_a_limit_is_understood(message: str, until: datetime | None) -> None:
    limit = find_rate_limit(message)

    assert limit is not None
    assert limit.until(NOW) == until or (until is None and NOW < limit.until(NOW) <= NOW + timedelta(days=1))


@pytest.mark.parametrize(
    "message",
    ["", "All 429 tests passed", "line 429 of server.py", "reset the counter at 3pm", "the limit of x as x -> 0"],
)
def test_other_messages_are_no_limit(message: str) -> None:
    assert find_rate_limit(message) is None


def test_an_absurd_end_pauses_nobody_for_ever() -> None:
    assert epoch_limit(9_999_999_999).until(NOW) == NOW + timedelta(days=8)
    assert RateLimit(after_secs=1e9).until(NOW) == NOW + timedelta(days=8)
    assert epoch_limit(1).until(NOW) == NOW
    assert epoch_limit(0).until(NOW, unsaid=timedelta(minutes=1)) == NOW + timedelta(minutes=1)
    assert epoch_limit(float("1e300")).resets_at is None


@pytest.mark.parametrize("secs", [2e14, float("inf")])
def test_a_limit_of_absurd_length_is_the_longest_there_is(secs: float) -> None:
    assert RateLimit(after_secs=secs).until(NOW) == NOW + LONGEST_WAIT
