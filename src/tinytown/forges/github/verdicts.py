"""All checks of a commit together. Pure: judged checks, what is required, and the age of the head decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from tinytown.domain.pull import CheckRun, ChecksSeen
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.conclusions import Check

FailOn: TypeAlias = Literal["all", "required"]

SETTLE_SECS = 30.0
"""Where nothing is required by name: how long nothing new may have ended before all green counts."""


class Required(msgspec.Struct, frozen=True):
    """A context that the base branch requires."""

    context: str
    app_id: int | None = None
    """Only this app's check counts."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """By what a commit's checks are judged."""

    required: tuple[Required, ...] = ()
    fail_on: FailOn | None = None
    """Which failing checks gate; None: the required ones where there are any, else all."""
    age_secs: float
    """Since when the head is known."""
    grace_secs: float = 300.0
    """How long a commit without any check, or without a required one, is too new to say anything of."""
    now: datetime
    """By the clock that the ends of checks are told by."""
    is_cut: bool = False
    """Whether there are more checks than were read: then a person must look before they pass."""


def decide(head: str, checks: Iterable[Check], terms: Terms) -> ChecksSeen:
    """The verdict on commit `head`; the order of `checks` does not matter."""
    ordered = sorted(checks, key=lambda check: (check.run.name, check.run.link, msgspec.json.encode(check)))
    gating = [check for check in ordered if gates(check, terms.required, terms.fail_on)]
    missing = [one for one in terms.required if not any(_meets(check, one) for check in ordered)]
    verdict, note, again_secs = _together(ordered, gating, missing, terms)
    runs = [check.run if check in gating else _harmless(check.run) for check in ordered]
    if verdict is Verdict.PASSED and terms.is_cut:
        verdict, runs = Verdict.UNKNOWN, [*runs, _UNREAD]
    return ChecksSeen(
        head=head,
        verdict=verdict,
        runs=tuple(runs),
        note="; ".join(filter(None, (note, _told(ordered, gating)))),
        again_secs=again_secs,
    )


_UNREAD = CheckRun(
    name="list",
    verdict=Verdict.UNKNOWN,
    trouble="there are more than could be read; look at them on GitHub, and merge it there",
)


def gates(check: Check, required: Sequence[Required], fail_on: FailOn | None) -> bool:
    """Whether the commit does not pass without it."""
    if (fail_on or ("required" if required else "all")) == "all":
        return True
    return any(_meets(check, one) for one in required)


_Said: TypeAlias = tuple[Verdict, str, float | None]


def _together(ordered: Sequence[Check], gating: Sequence[Check], missing: Sequence[Required], terms: Terms) -> _Said:
    failed = _of(gating, Verdict.FAILED)
    if failed and not (all(check.run.is_flaky for check in failed) and _is_under_way(ordered, gating, failed)):
        return Verdict.FAILED, "", None
    if not failed and _of(gating, Verdict.UNKNOWN):
        return Verdict.UNKNOWN, "", None
    if pending := _of(gating, Verdict.PENDING) or failed:
        again = [check.again_secs for check in pending if check.again_secs is not None]
        note = "; ".join(check.note for check in pending if check.note)
        return Verdict.PENDING, note, min(again, default=None)
    return _all_green(ordered, missing, terms)


def _all_green(ordered: Sequence[Check], missing: Sequence[Required], terms: Terms) -> _Said:
    """Nothing there stands against it; whether that is all there will be."""
    if missing:
        return Verdict.PENDING, _missing_note(missing, terms), None
    if not ordered:
        return _nothing(terms)
    wait_secs = 0.0 if terms.required else _settles_in(ordered, terms)
    if wait_secs > 0:
        return Verdict.PENDING, "all checks so far passed; more may begin", wait_secs
    return Verdict.PASSED, "", None


def _meets(check: Check, one: Required) -> bool:
    """Whose a status is, GitHub does not tell here; it looks for itself when it merges."""
    return check.run.name == one.context and (one.app_id is None or check.is_status or check.app_id == one.app_id)


def _is_under_way(ordered: Sequence[Check], gating: Sequence[Check], failed: Sequence[Check]) -> bool:
    """Whether running again must wait: GitHub refuses while a workflow still runs."""
    suites = {check.suite_id for check in failed} - {None}
    pending = _of(ordered, Verdict.PENDING)
    return any(check in gating or check.suite_id in suites for check in pending)


def _of(checks: Iterable[Check], verdict: Verdict) -> list[Check]:
    return [check for check in checks if check.run.verdict is verdict]


def _nothing(terms: Terms) -> _Said:
    left = terms.grace_secs - terms.age_secs
    if left <= 0:
        return Verdict.PASSED, "no checks", None
    return Verdict.PENDING, f"no checks yet; without any it passes after {terms.grace_secs:.0f} s", left


def _missing_note(missing: Sequence[Required], terms: Terms) -> str:
    names = ", ".join(one.context for one in missing)
    if terms.age_secs < terms.grace_secs:
        return f"waits for the required check {names}"
    return f"the required check {names} never began: it may be skipped for these paths, or its name has changed"


def _settles_in(checks: Sequence[Check], terms: Terms) -> float:
    ends = [check.ended_at for check in checks if check.ended_at is not None]
    ago_secs = (terms.now - max(ends)).total_seconds() if ends else terms.age_secs
    return min(SETTLE_SECS, SETTLE_SECS - ago_secs)


def _harmless(run: CheckRun) -> CheckRun:
    """One that gates nothing is not what an agent is to mend, nor what a person is asked about."""
    if run.verdict is Verdict.FAILED or run.trouble:
        return msgspec.structs.replace(run, verdict=Verdict.UNKNOWN, output="", trouble="", is_flaky=False)
    return run


def _told(ordered: Sequence[Check], gating: Sequence[Check]) -> str:
    names = [check.run.name for check in _of(ordered, Verdict.FAILED) if check not in gating]
    return f"not required, but failing: {', '.join(names)}" if names else ""
