"""One decision about one mission: takes in what was found outside, applies every policy, says what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tinytown.planner import (
    asking,
    assign,
    closing,
    hearing,
    lost,
    merging,
    progress,
    promote,
    pulls,
    settle,
    stacking,
    telling,
    updating,
    watches,
)
from tinytown.planner.draft import Changes, Draft
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.wants import (
    AskReview,
    Close,
    Hear,
    LookAt,
    LookUp,
    Merge,
    OpenPull,
    Outcome,
    Retarget,
    UpdateBranch,
    Want,
)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to commit, then what to do outside, and when to look again."""

    changes: Changes
    wants: tuple[Want, ...]
    wake_at: datetime | None


def decide(snapshot: Snapshot, outcomes: Sequence[Outcome], now: datetime) -> Decision:
    """Decide the next step of a running or blocked mission.

    Args:
        snapshot: the mission at one version.
        outcomes: what came of wants of earlier decisions, not yet committed.
        now: the time, aware UTC.
    """
    draft = Draft(snapshot, now)
    draft.put_mission(trouble=None)  # whatever it was, it did not keep us from getting here
    for outcome in outcomes:
        take_in(draft, outcome)
    settle.settle(draft)
    if not draft.mission.is_paused:
        lost.release_lost(draft)
        promote.promote(draft)
        promote.look_up(draft)
        stacking.retarget(draft)
        pulls.open_pulls(draft)
        watches.look(draft)
        merging.merge_ready(draft)
        updating.update_behind(draft)
        asking.ask_reviews(draft)
        promote.promote(draft)
        assign.assign(draft)
    progress.conclude(draft)
    closing.close(draft)
    telling.tell(draft)
    return concluded(draft)


def concluded(draft: Draft) -> Decision:
    """What a draft amounts to."""
    changes = draft.changes()
    wants = () if draft.mission.is_paused else tuple(draft.wants)
    return Decision(changes=changes, wants=wants, wake_at=draft.wake_at)


def take_in(draft: Draft, outcome: Outcome) -> None:
    """Let the policy that wanted something see what came of it."""
    match outcome.want:
        case OpenPull() as want:
            pulls.opened(draft, outcome, want)
        case LookAt() as want:
            watches.looked(draft, outcome, want)
        case Merge() as want:
            merging.merged(draft, outcome, want)
        case LookUp() as want:
            promote.looked_up(draft, outcome, want)
        case Retarget() as want:
            stacking.retargeted(draft, outcome, want)
        case UpdateBranch() as want:
            updating.updated(draft, outcome, want)
        case AskReview() as want:
            asking.asked(draft, outcome, want)
        case Hear() as want:
            hearing.heard(draft, outcome, want)
        case Close() as want:
            closing.closed(draft, outcome, want)
        case want:
            telling.told(draft, outcome, want)
