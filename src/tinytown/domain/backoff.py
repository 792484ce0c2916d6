"""How long to wait before what failed is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

RETRY_FIRST_SECS = 10
RETRY_MOST_SECS = 300


def retry_secs(tries: int) -> float:
    """Seconds to wait after the `tries`-th failure in a row: 10, 20, 40 … at most 300."""
    return float(min(RETRY_FIRST_SECS * 2 ** min(max(tries, 1) - 1, 10), RETRY_MOST_SECS))


def retry_at(now: datetime, tries: int) -> datetime:
    """When to try again after the `tries`-th failure in a row."""
    return now + timedelta(seconds=retry_secs(tries))
