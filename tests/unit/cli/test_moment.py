"""A time to come, as people give it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import click
import pytest

from tinytown.cli.moment import read_moment

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12h", NOW + timedelta(hours=12)),
        ("90d", NOW + timedelta(days=90)),
        ("4w", NOW + timedelta(weeks=4)),
        ("2030-01-31", datetime(2030, 1, 31, tzinfo=UTC)),
        ("2030-01-31T12:00:00Z", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ("2030-01-31T12:00+02:00", datetime(2030, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_time_is_a_length_or_a_date(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("soon", "'soon' is no time; give how long"),
        ("", "'' is no time"),
        ("0d", "is no time"),
        ("-1d", "is no time"),
        ("90", "is no time"),
        ("999999w", "is longer than there are years"),
        ("2030-02-31", "is no time"),
        ("2030-01-31T12:00", "does not say in which zone; add Z for UTC, as in 2030-01-31T12:00Z"),
        ("2030-01-31 12:00", "does not say in which zone"),
    ],
)
def test_what_is_no_time_is_told(text: str, reason: str) -> None:
    with pytest.raises(click.UsageError, match=reason):
        read_moment(text, NOW)
