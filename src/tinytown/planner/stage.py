"""What an item waits for, derived from its state: gates, assignment, `why` and the board all read it here."""

from __future__ import annotations

from enum import Enum

from tinytown.domain.policy import MissionPolicy
from tinytown.domain.workitem import REVIEWED_KINDS, PullState, Verdict, WorkItem, WorkStatus

ANY_HEAD = "*"
"""`approved_head` of an item that a person accepted whatever it is."""


class Stage(Enum):
    """The next thing that has to happen to an item."""

    DEPENDENCIES = "dependencies"
    """Other items or outside issues must be finished."""
    AGENT = "agent"
    """An agent must be free."""
    WORK = "work"
    """Its agent must finish the run."""
    HELD = "held"
    """A person must decide."""
    FIX = "fix"
    """Its agent must mend the branch."""
    PULL = "pull"
    """Its pull request must be opened."""
    CHECKS = "checks"
    """The checks must pass."""
    REVIEW = "review"
    """A reviewer must approve."""
    MERGEABLE = "mergeable"
    """The forge must say that it merges cleanly."""
    MERGE = "merge"
    """Nothing is in the way of merging."""
    DONE = "done"
    """Nothing."""


_BY_STATUS = {
    WorkStatus.PENDING: Stage.DEPENDENCIES,
    WorkStatus.READY: Stage.AGENT,
    WorkStatus.ASSIGNED: Stage.WORK,
    WorkStatus.RUNNING: Stage.WORK,
    WorkStatus.DONE: Stage.DONE,
}


def stage_of(item: WorkItem, policy: MissionPolicy) -> Stage:
    """The stage an item is in under the mission's policy."""
    if item.hold is not None and item.status is not WorkStatus.DONE:
        return Stage.HELD
    if item.status is not WorkStatus.BLOCKED:
        return _BY_STATUS[item.status]
    if item.fixes:
        return Stage.FIX
    if item.pull is None:
        return Stage.PULL
    return _gate(item, item.pull, policy)


def needs_review(item: WorkItem, policy: MissionPolicy) -> bool:
    """Whether the policy asks for an approved review and a person has not approved the head already."""
    if item.pull is not None and item.approved_head in {item.pull.head, ANY_HEAD}:
        return False
    return policy.reviewer_required and item.kind in REVIEWED_KINDS


def _gate(item: WorkItem, pull: PullState, policy: MissionPolicy) -> Stage:
    if pull.merged_as is not None:
        return Stage.MERGE
    if pull.checks is not Verdict.PASSED:
        return Stage.CHECKS
    if needs_review(item, policy) and pull.review is not Verdict.PASSED:
        return Stage.REVIEW
    if pull.mergeable is not Verdict.PASSED:
        return Stage.MERGEABLE
    return Stage.MERGE
