"""What a check-up of a town finds."""

from __future__ import annotations

from enum import Enum

import msgspec


class Health(Enum):
    """How it is with one thing."""

    OK = "ok"
    """As it should be."""
    WARNING = "warning"
    """It works; something should be seen to."""
    PROBLEM = "problem"
    """Missions will not get on."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    area: str
    """What it belongs to, one word: `git`, `forge`."""
    health: Health
    text: str
    """One line."""
    advice: str = ""
    """What to do, when there is something to do."""
    mended: str = ""
    """What was done about it just now."""


def fine(area: str, text: str, *, mended: str = "") -> Finding:
    """Nothing to do, perhaps because it was mended just now."""
    return Finding(area=area, health=Health.OK, text=text, mended=mended)


def warning(area: str, text: str, advice: str) -> Finding:
    """Something that should be seen to."""
    return Finding(area=area, health=Health.WARNING, text=text, advice=advice)


def problem(area: str, text: str, advice: str) -> Finding:
    """Something that keeps missions from getting on."""
    return Finding(area=area, health=Health.PROBLEM, text=text, advice=advice)
