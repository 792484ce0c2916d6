"""What a decision wants done outside, and what came of it.

Wants are derived from the state alone, so a crash between deciding and doing only means that the next decision wants
the same again; the forge finds the footprint of a call that had gone through.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from tinytown.domain.issue import Remark
from tinytown.domain.pull import (
    ChecksSeen,
    Known,
    MergeabilitySeen,
    Merged,
    Pull,
    PullDraft,
    Queued,
    ReviewSeen,
    Updated,
)
from tinytown.domain.refs import IssueRef
from tinytown.domain.watch import WatchKind


class OpenPull(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Open an item's pull request, or find it."""

    item_id: str
    draft: PullDraft


class LookAt(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Look at a pull request for a watch that is due."""

    watch_id: str
    item_id: str
    kind: WatchKind
    target: str
    known: Known | None = None
    signal: str | None = None
    """Token of the signal that this look answers."""
    is_again: bool = False
    """Whether checks are to be run once more first."""


class Merge(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Merge exactly this head commit."""

    item_id: str
    url: str
    head: str
    closes: tuple[IssueRef, ...] = ()
    known: Known | None = None
    """What it was found ready by; the forge looks once more whether that is still so."""
    heeds: tuple[WatchKind, ...] = ()
    """Whose objections count when it looks."""


class Dequeue(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Take a pull request out of the forge's merge queue."""

    item_id: str
    url: str


class Retarget(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Have a pull request go into another branch."""

    item_id: str
    url: str
    base: str


class UpdateBranch(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Bring a branch up to date with its base."""

    item_id: str
    url: str
    known: Known


class Tell(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Have an issue's status comment say this."""

    item_id: str
    ref: IssueRef
    marker: str
    """Hidden identification of the comment."""
    text: str


class Close(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Close an issue that no merge closes."""

    item_id: str
    ref: IssueRef


class AskReview(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask people to look at a pull request again."""

    item_id: str
    url: str
    head: str
    """What they are to look at."""
    logins: tuple[str, ...]


class Hear(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Read what was said below an item's issue."""

    item_id: str
    ref: IssueRef


class LookUp(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Read whether an issue outside the mission is closed by now."""

    ref: IssueRef
    signal: str | None = None
    """Token of the signal that this look answers."""


Want: TypeAlias = (
    OpenPull | LookAt | Merge | LookUp | Retarget | UpdateBranch | Tell | Close | AskReview | Hear | Dequeue
)


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A pull request is there."""

    pull: Pull
    watch_kinds: tuple[WatchKind, ...]


class LookedUp(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An issue's state."""

    is_open: bool


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It could not be done."""

    reason: str
    is_temporary: bool
    """Whether trying again later may help without anybody doing something."""
    not_before: datetime | None = None
    """When the forge answers again; until then nothing is tried, and this refusal counts for nothing."""
    low_until: datetime | None = None
    """When the quota begins anew that is so low that looks are slowed."""
    is_conflict: bool = False
    """Whether the pull request is another one now than was thought: its head moved, or it does not merge."""


class Retargeted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It goes into that branch now."""

    base: str


class Told(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The comment says it."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """They are asked."""


class Dequeued(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It is not in the merge queue any more."""


class Heard(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What was said, oldest first."""

    remarks: tuple[Remark, ...]


class Closed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The issue is closed."""


Found: TypeAlias = (
    Opened
    | ChecksSeen
    | ReviewSeen
    | MergeabilitySeen
    | Merged
    | Queued
    | LookedUp
    | Retargeted
    | Updated
    | Told
    | Closed
    | Asked
    | Heard
    | Dequeued
    | Refused
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A want with what came of it."""

    want: Want
    found: Found
