"""Stacked pull requests: one goes into the branch of what it is built on until that is merged, then into its base."""

from __future__ import annotations

import msgspec

from tinytown.domain.backoff import retry_at
from tinytown.domain.workitem import PullState, Verdict, WorkItem
from tinytown.planner.draft import Draft
from tinytown.planner.heads import base_of
from tinytown.planner.holds import MAX_FORGE_ERRORS, forge_failed, is_backing_off
from tinytown.planner.settle import look_now
from tinytown.planner.wants import Outcome, Refused, Retarget, Retargeted


def base_for(draft: Draft, item: WorkItem) -> str:
    """The branch its pull request should go into: that of the one dependency still to be merged, else the mission's.

    What one dependency is built on comes with it; of several that are not each other's, none has everything.
    """
    if not draft.mission.traits.stacks:
        return draft.mission.base
    unmerged = {dep.id: dep for dep in _needed(draft, item) if _is_open(dep)}
    beneath = {deeper.id for dep in unmerged.values() for deeper in _needed(draft, dep)}
    tops = [dep for dep in unmerged.values() if dep.id not in beneath]
    return tops[0].branch if len(tops) == 1 else draft.mission.base


def _needed(draft: Draft, item: WorkItem) -> list[WorkItem]:
    """All that an item depends on, also by way of others."""
    found: dict[str, WorkItem] = {}
    waiting = list(item.depends_on)
    while waiting:
        dep = draft.items[waiting.pop()]
        if dep.id not in found:
            found[dep.id] = dep
            waiting += dep.depends_on
    return list(found.values())


def _is_open(item: WorkItem) -> bool:
    return item.pull is not None and item.pull.is_open and not item.is_merged


def lower(draft: Draft, item: WorkItem) -> WorkItem | None:
    """The item of the mission whose branch its pull request goes into, if it is that of one."""
    if item.pull is None or not draft.mission.traits.stacks:
        return None
    return _owner(draft, item, base_of(draft, item.pull))


def _owner(draft: Draft, item: WorkItem, base: str) -> WorkItem | None:
    """What it depends on whose branch that is."""
    if base == draft.mission.base:
        return None
    return next((dep for dep in _needed(draft, item) if dep.branch == base), None)


def is_chosen(draft: Draft, item: WorkItem, pull: PullState, base: str) -> bool:
    """Whether the mission, or a person here, wants it to go into that base."""
    if base in {draft.mission.base, pull.accepted_base}:
        return True
    return draft.mission.traits.stacks and _owner(draft, item, base) is not None


def rebased(draft: Draft, item: WorkItem, pull: PullState, base: str) -> PullState:
    """The pull request going into another base: what was checked for the one before says nothing of this.

    Workflows may run for some bases only, and setting a base starts none; a push does, so the base is merged into it.
    """
    is_owed = draft.mission.traits.stacks and is_chosen(draft, item, pull, base)
    pull = msgspec.structs.replace(pull, base=base, base_since=draft.now, is_owed_update=is_owed)
    if item.is_done:
        return pull  # nobody asks before a person wants it merged
    return msgspec.structs.replace(pull, checks=Verdict.UNKNOWN, checks_note="", mergeable=Verdict.UNKNOWN)


def is_stacked(draft: Draft, item: WorkItem) -> bool:
    """Whether merging it would bring it into the branch of another item only."""
    return lower(draft, item) is not None


def retarget(draft: Draft) -> None:
    """Want each pull request off a branch that was merged, or will not be: before anything else is done to it."""
    for item in draft.items.values() if draft.mission.traits.stacks else ():
        if item.pull is None or not _is_open(item) or (item.is_done and item.errors > MAX_FORGE_ERRORS):
            continue
        beneath = lower(draft, item)
        if beneath is None or not _is_over(beneath):
            continue
        if item.hold is None and not is_backing_off(draft, item):
            draft.want(Retarget(item_id=item.id, url=item.pull.url, base=base_for(draft, item)))


def _is_over(item: WorkItem) -> bool:
    return item.is_merged or (item.is_done and not _is_open(item))


def retargeted(draft: Draft, outcome: Outcome, want: Retarget) -> None:
    """Take in that a pull request goes into another branch: how it stands to that is to be seen."""
    item = draft.items[want.item_id]
    if item.pull is None or item.is_merged:
        return
    match outcome.found:
        case Retargeted(base=base):
            pull = rebased(draft, item, item.pull, base)
            draft.put(item.id, pull=pull, errors=0, retry_at=None, setback="")
            look_now(draft, item.id, draft.now)
            draft.say("pull.retargeted", f"PR #{pull.number} ({item.key}) goes into {base} now", item=item.id)
        case Refused() as refused if item.is_done:
            _refused_when_done(draft, item, refused)
        case Refused() as refused:
            forge_failed(draft, item, f"having its pull request go into {want.base}", refused)
        case _:
            pass


def _refused_when_done(draft: Draft, item: WorkItem, refused: Refused) -> None:
    """Nobody works on it any more; whoever merges it sees where it goes."""
    errors = item.errors + 1 if refused.is_temporary else MAX_FORGE_ERRORS + 1
    draft.put(item.id, errors=errors, retry_at=refused.not_before or retry_at(draft.now, errors))
    draft.say(
        "forge.failed", f"{item.key}: its pull request still goes into its old base: {refused.reason}", item=item.id
    )
