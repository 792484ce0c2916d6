"""How long to wait before looking, planning or asking again."""

from __future__ import annotations

from datetime import datetime, timedelta

WATCH_PAUSES_SECS = (60, 120, 300)
ANSWERS_LEAST_SECS = 2
REPLAN_LEAST_SECS, REPLAN_MOST_SECS = 30, 300
HELP_PAUSES_SECS = (300, 900, 3600, 14400)


def watch_again_at(now: datetime, failures: int) -> datetime:
    """When to look again after the `failures`-th look in a row that failed: 1, 2, then 5 min."""
    return now + timedelta(seconds=WATCH_PAUSES_SECS[min(max(failures, 1), len(WATCH_PAUSES_SECS)) - 1])


def answers_at(now: datetime, not_before: datetime) -> datetime:
    """When to ask a forge again that said when it answers; clocks may differ, so not at once."""
    return max(not_before, now + timedelta(seconds=ANSWERS_LEAST_SECS))


def quick_look_secs(again_secs: float, looks: int, interval_secs: int) -> float:
    """Seconds until a forge that wants to be asked again soon is asked for the `looks`-th time in a row.

    As it wishes, but no sooner than after 2 s, then 4, 8, …; at most as long as usual.
    """
    return min(float(interval_secs), max(again_secs, 2.0 ** min(max(looks, 1), 16)))


def replan_at(now: datetime, since: datetime) -> datetime:
    """When to try again what has failed since then: after as long again, at least 30 s and at most 5 min."""
    waited = (now - since).total_seconds()
    return now + timedelta(seconds=min(max(waited, REPLAN_LEAST_SECS), REPLAN_MOST_SECS))


def ask_again_at(now: datetime, times_asked: int) -> datetime:
    """When to ask for help again after asking `times_asked` times: 5 min, 15 min, 1 h, then every 4 h."""
    return now + timedelta(seconds=HELP_PAUSES_SECS[min(max(times_asked, 1), len(HELP_PAUSES_SECS)) - 1])
