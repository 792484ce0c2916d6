"""A time to come, as people give it: how long from now, or a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

_SPAN = re.compile(r"([1-9]\d{0,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


def read_moment(text: str, now: datetime) -> datetime:
    """`12h`, `90d`, `4w`, `2030-01-31` (its beginning, UTC) or `2030-01-31T12:00:00Z`.

    Raises:
        click.UsageError: it is none of them.
    """
    if found := _SPAN.fullmatch(text):
        try:
            return now + timedelta(hours=int(found[1]) * _HOURS[found[2]])
        except OverflowError as error:
            raise click.UsageError(f"'{text}' is longer than there are years; leave it out for no end") from error
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(
            f"'{text}' is no time; give how long, as in 12h, 90d or 4w, or a date, as in 2030-01-31"
        ) from error
    if moment.tzinfo is None and len(text) > len("2030-01-31"):
        raise click.UsageError(f"'{text}' does not say in which zone; add Z for UTC, as in {text}Z")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
