"""Rate limits, as CLIs and the model providers behind them word them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

LONGEST_WAIT = timedelta(days=8)
"""Limits are a week long at most; a later time is a mistake or a joke."""

_LIMITED = re.compile(
    r"usage[ _]limit|(?:session|weekly|5-hour|daily) limit|hit your limit|rate[ _-]?limit(?:ed|s|_error|_exceeded| (?:reached|exceeded|hit|error))"
    r"|too many requests|quota (?:exceeded|exhausted|will reset)|exceeded your (?:current )?quota|insufficient_quota|RESOURCE_EXHAUSTED"
    r"|(?:status|error|http|code)\D{0,12}\b429\b|\b429\b[^\n]{0,20}(?:error|too many|rate)",
    re.IGNORECASE,
)
_EPOCH = re.compile(
    r"(?:limit reached\||reset(?:s|s?_?at)[\"']?\s{0,3}[:=]\s{0,3}[\"']?)(\d{10}(?:\d{3})?)\b", re.IGNORECASE
)
_ISO = re.compile(
    r"(?:resets?|try again|retry|available)[^\n]{0,24}?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)",
    re.IGNORECASE,
)
_UNIT_SECS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AMOUNT = r"\d{1,9}(?:\.\d{1,9})?\s?(?:ms|milliseconds?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])"
_IN = re.compile(
    rf"(?:again|retry|resets?|available)[^\n\d]{{0,16}}?(?:in|after)\s{{1,3}}((?:{_AMOUNT}[\s,]{{0,3}}(?:and\s)?){{1,5}})",
    re.IGNORECASE,
)
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s?(ms|[dhms])", re.IGNORECASE)
_HEADER = re.compile(
    r"(?:retry[-_ ]after|resets_in_seconds)[\"']?\s{0,3}[:=]?\s{0,3}[\"']?(\d{1,9}(?:\.\d{1,9})?)", re.IGNORECASE
)
_CLOCK = re.compile(
    r"(?:resets?|try again)(?: at)?\s(\d{1,2})(?::(\d\d))?\s?([ap]m)?\b(?:\s\(([A-Za-z][A-Za-z_/+-]{1,40})\))?",
    re.IGNORECASE,
)


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that was hit, with whatever is said of its end."""

    resets_at: datetime | None = None
    after_secs: float | None = None
    clock: time | None = None
    """A time of day, in `zone`, or in the machine's own when that is not said."""
    zone: str | None = None

    def until(self, now: datetime, unsaid: timedelta = timedelta(minutes=5)) -> datetime:
        """When to try again: never before `now`, never later than the longest limit; `unsaid` from now if nobody knows."""
        if self.resets_at is not None:
            end = self.resets_at
        elif self.after_secs is not None:
            end = now + timedelta(seconds=min(self.after_secs, LONGEST_WAIT.total_seconds()))
        elif self.clock is not None:
            end = _next(self.clock, now, _zone(self.zone))
        else:
            end = now + unsaid
        return min(max(end, now), now + LONGEST_WAIT).astimezone(UTC)


def find_rate_limit(text: str) -> RateLimit | None:
    """The rate limit that a message tells of, if it does."""
    if not _LIMITED.search(text):
        return None
    if found := _EPOCH.search(text):
        return RateLimit(resets_at=_from_epoch(int(found[1])))
    if found := _HEADER.search(text):
        return RateLimit(after_secs=float(found[1]))
    if found := _IN.search(text):
        return RateLimit(after_secs=sum(float(n) * _UNIT_SECS[unit.lower()] for n, unit in _PART.findall(found[1])))
    return _at_a_time(text) or RateLimit()


def epoch_limit(value: float) -> RateLimit:
    """A limit that ends at `value` seconds (or milliseconds) since the epoch; 0 when that is not known."""
    return RateLimit(resets_at=_from_epoch(value))


def _at_a_time(text: str) -> RateLimit | None:
    if found := _ISO.search(text):
        return RateLimit(resets_at=_from_iso(found[1]))
    if (found := _CLOCK.search(text)) and (clock := _time_of_day(found[1], found[2], found[3])):
        return RateLimit(clock=clock, zone=found[4])
    return None


def _from_epoch(value: float) -> datetime | None:
    secs = value / 1000 if value >= 1e12 else value  # noqa: PLR2004  seconds have ten digits until the year 2286
    return datetime.fromtimestamp(secs, UTC) if 0 < secs < 1e10 else None  # noqa: PLR2004  see above


def _from_iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _time_of_day(hour: str, minute: str | None, half: str | None) -> time | None:
    if minute is None and half is None:
        return None
    value = int(hour) % 12 + (12 if half.lower() == "pm" else 0) if half else int(hour)
    try:
        return time(value, int(minute or 0))
    except ValueError:
        return None


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _next(clock: time, now: datetime, zone: tzinfo | None) -> datetime:
    local = now.astimezone(zone)
    today = local.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return today if today > local else today + timedelta(days=1)
