"""Watches: scheduled looks at a pull request."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from tinytown.domain.lifecycle import Lifecycle


class WatchKind(Enum):
    """What a watch looks at."""

    PR_CHECKS = "pr_checks"
    """CI checks of the head commit."""
    BUGBOT_COMMENTS = "bugbot_comments"
    """Comments of review bots."""
    REVIEW_COMMENTS = "review_comments"
    """Reviews by people."""
    MERGEABILITY = "mergeability"
    """Conflicts with the base branch."""


class WatchStatus(Enum):
    """Whether a watch is looked at."""

    ACTIVE = "active"
    """Looked at when due."""
    SNOOZED = "snoozed"
    """Left alone until it is due again."""
    DONE = "done"
    """Nothing left to watch."""


WATCH_LIFECYCLE = Lifecycle(
    "the watch",
    WatchStatus.ACTIVE,
    {
        WatchStatus.ACTIVE: (WatchStatus.SNOOZED, WatchStatus.DONE),
        WatchStatus.SNOOZED: (WatchStatus.ACTIVE, WatchStatus.SNOOZED, WatchStatus.DONE),
        WatchStatus.DONE: (WatchStatus.ACTIVE,),
    },
)


SNOOZE_LEAST_SECS, SNOOZE_MOST_SECS = 60, 30 * 24 * 3600
"""For how long a watch may be snoozed."""


class TriggerAction(Enum):
    """What follows when a watch sees something."""

    CREATE_FIX_TASK = "create_fix_task"
    """The item's agent is asked to mend it."""
    NOTIFY_REVIEWER = "notify_reviewer"
    """A reviewer is told."""
    ADVANCE_PIPELINE = "advance_pipeline"
    """The item may go on."""


TRIGGERS = {
    WatchKind.PR_CHECKS: TriggerAction.CREATE_FIX_TASK,
    WatchKind.BUGBOT_COMMENTS: TriggerAction.CREATE_FIX_TASK,
    WatchKind.REVIEW_COMMENTS: TriggerAction.NOTIFY_REVIEWER,
    WatchKind.MERGEABILITY: TriggerAction.ADVANCE_PIPELINE,
}


class Watch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):  # as work items
    """One scheduled look."""

    id: str
    mission_id: str
    work_item_id: str
    kind: WatchKind
    target_ref: str
    """The pull request's URL (or number on the local forge)."""
    interval_secs: int
    next_due_at: datetime
    status: WatchStatus
    on_trigger: TriggerAction
    last_check_at: datetime | None = None
    consecutive_failures: int = 0
    """Looks that failed in a row (the forge did not answer)."""
    is_put_off: bool = False
    """Whether the forge does not answer before `next_due_at`: its quota was used up."""
    quick_looks: int = 0
    """Looks in a row after which the forge wanted to be asked again soon."""
    finding: str = ""
    """What it saw last, one line."""
