"""Watches after a look: what they saw, and when they look again."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tinytown.domain.watch import Watch
from tinytown.planner.backoff import answers_at, quick_look_secs, watch_again_at
from tinytown.planner.draft import Draft
from tinytown.planner.wants import Refused

WAVER = timedelta(minutes=1)


def after_look(draft: Draft, watch: Watch, finding: str, again_secs: float | None = None) -> Watch:
    """The watch after a look that showed something; it looks again as usual, or sooner when the forge wants it."""
    secs, quick = float(watch.interval_secs), 0
    if again_secs is not None:
        quick = watch.quick_looks + 1
        secs = quick_look_secs(again_secs, quick, watch.interval_secs)
    return msgspec.structs.replace(
        watch,
        last_check_at=draft.now,
        next_due_at=draft.now + timedelta(seconds=secs),
        consecutive_failures=0,
        is_put_off=False,
        quick_looks=quick,
        finding=finding,
    )


def after_refusal(draft: Draft, watch: Watch, refused: Refused) -> Watch:
    """The watch when its look was refused; that a quota is used up is no failure."""
    _tell_of_low_quota(draft, refused)
    if refused.not_before is not None:
        failures, due = watch.consecutive_failures, answers_at(draft.now, refused.not_before)
    else:
        failures = watch.consecutive_failures + 1
        due = watch_again_at(draft.now, failures)
    return msgspec.structs.replace(
        watch,
        last_check_at=draft.now,
        next_due_at=due,
        consecutive_failures=failures,
        is_put_off=refused.not_before is not None,
        finding=refused.reason,
    )


def _tell_of_low_quota(draft: Draft, refused: Refused) -> None:
    """Say once that looks are slowed, until the quota has begun anew: forges let that time waver by seconds."""
    until, told = refused.low_until, draft.mission.quota_told
    if until is None or (told is not None and until - told < WAVER):
        return
    draft.put_mission(quota_told=until)
    draft.say("forge.slow", f"{refused.reason}; that lasts until {until:%H:%M:%S} UTC at the latest")
