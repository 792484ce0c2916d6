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
    queueing,
    settle,
    stacking,
    strays,
    telling,
    updating,
    watches,
)
from tinytown.planner.draft import Changes, Draft
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.wants import (
    AskReview,
    Close,
    Dequeue,
    Hear,
    LookAt,
    LookUp,
    Merge,
    OpenPull,
    Outcome,
    Retarget,
    Tell,
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
    for outcome in sorted(outcomes, key=_is_look):  # looks came after what was changed, and see it
        take_in(draft, outcome)
    settle.settle(draft)
    if not draft.mission.is_paused:
        lost.release_lost(draft)
        promote.promote(draft)
        promote.look_up(draft)
        stacking.retarget(draft)
        pulls.open_pulls(draft)
        watches.look(draft)
        strays.hold_strays(draft)
        merging.merge_ready(draft)
        updating.update_behind(draft)
        asking.ask_reviews(draft)
        promote.promote(draft)
        assign.assign(draft)
    queueing.take_out(draft)
    progress.conclude(draft)
    closing.close(draft)
    telling.tell(draft)
    return concluded(draft)


def concluded(draft: Draft) -> Decision:
    """What a draft amounts to."""
    changes = draft.changes()
    wants = tuple(want for want in draft.wants if isinstance(want, Dequeue) or not draft.mission.is_paused)
    return Decision(changes=changes, wants=wants, wake_at=draft.wake_at)


def _is_look(outcome: Outcome) -> bool:
    return isinstance(outcome.want, LookAt | LookUp)


def take_in(draft: Draft, outcome: Outcome) -> None:
    """Let the policy that wanted something see what came of it."""
    match outcome.want:
        case LookAt() as want:
            watches.looked(draft, outcome, want)
        case LookUp() as want:
            promote.looked_up(draft, outcome, want)
        case Hear() as want:
            hearing.heard(draft, outcome, want)
        case AskReview() as want:
            asking.asked(draft, outcome, want)
        case Close() as want:
            closing.closed(draft, outcome, want)
        case Tell() as want:
            telling.told(draft, outcome, want)
        case want:
            _take_in_change(draft, outcome, want)


def _take_in_change(draft: Draft, outcome: Outcome, want: OpenPull | Merge | Retarget | UpdateBranch | Dequeue) -> None:
    match want:
        case OpenPull():
            pulls.opened(draft, outcome, want)
        case Merge():
            merging.merged(draft, outcome, want)
        case Retarget():
            stacking.retargeted(draft, outcome, want)
        case UpdateBranch():
            updating.updated(draft, outcome, want)
        case _:
            queueing.taken_out(draft, outcome, want)
