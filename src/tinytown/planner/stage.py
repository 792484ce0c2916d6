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
    PEOPLE = "people"
    """The people who asked for changes must be content."""
    BEHIND = "behind"
    """Its branch must be brought up to date with its base."""
    MERGEABLE = "mergeable"
    """The forge must say that it merges cleanly."""
    QUEUED = "queued"
    """The forge's merge queue must get to it."""
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
    if item.pull is not None and item.pull.is_queued and not item.is_merged:
        return Stage.QUEUED  # what is pushed now would be thrown out, with what waits behind it
    if item.fixes:
        return Stage.FIX
    if item.pull is None:
        return Stage.PULL
    return _gate(item, item.pull, policy)


def needs_review(item: WorkItem, policy: MissionPolicy) -> bool:
    """Whether the policy asks for an approved review and a person has not approved the head already."""
    return not is_approved(item) and policy.reviewer_required and item.kind in REVIEWED_KINDS


def is_approved(item: WorkItem) -> bool:
    """Whether a person accepted the head by command, whatever others say of it."""
    return item.pull is not None and item.approved_head in {item.pull.head, ANY_HEAD}


def is_to_be_merged(item: WorkItem, policy: MissionPolicy) -> bool:
    """Whether the mission merges it, by policy or because a person wants it; else it is done when it could be."""
    return policy.auto_merge or (item.pull is not None and item.merge_head == item.pull.head)


def judgement(item: WorkItem, pull: PullState, policy: MissionPolicy) -> Stage | None:
    """Whose approval is missing; None when nobody's is."""
    if needs_review(item, policy) and Verdict.PASSED not in {pull.review, pull.people}:
        return Stage.REVIEW
    if pull.people is Verdict.FAILED and not is_approved(item):
        return Stage.PEOPLE
    return None


def _gate(item: WorkItem, pull: PullState, policy: MissionPolicy) -> Stage:
    if pull.merged_as is not None:
        return Stage.MERGE
    if pull.is_owed_update or pull.checks is not Verdict.PASSED:
        return Stage.BEHIND if pull.is_owed_update else Stage.CHECKS
    if (missing := judgement(item, pull, policy)) is not None:
        return missing
    if pull.mergeable is Verdict.PASSED:
        return Stage.MERGE
    if not (pull.is_behind and pull.mergeable is Verdict.PENDING):
        return Stage.MERGEABLE
    return Stage.BEHIND if is_to_be_merged(item, policy) else Stage.MERGE
