"""Pull requests that go into a base that nobody here chose: a person is asked before anything is merged there."""

from __future__ import annotations

import msgspec

from tinytown.domain.workitem import PullState, WorkItem
from tinytown.planner.draft import Draft
from tinytown.planner.heads import base_of
from tinytown.planner.holds import hold
from tinytown.planner.stacking import is_chosen
from tinytown.planner.stage import Stage, is_to_be_merged, stage_of


def hold_strays(draft: Draft) -> None:
    """Ask a person about each that would be merged next, or have its base merged into it."""
    policy = draft.mission.policy
    for item in draft.unfinished():
        pull = item.pull
        if pull is None or item.is_merged or is_chosen(draft, item, pull, base_of(draft, pull)):
            continue
        if stage_of(item, policy) in {Stage.MERGE, Stage.BEHIND} and is_to_be_merged(item, policy):
            hold(draft, item, _stray(draft, item, pull))


def lift_stray(draft: Draft, item: WorkItem, pull: PullState) -> None:
    """Let it go on when its base was changed: whether that will do is seen then."""
    if item.hold == _stray(draft, item, pull):
        draft.put(item.id, hold=None)
        draft.say("item.resumed", f"the pull request of {item.key} has another base", item=item.id)


def accept_stray(draft: Draft, item: WorkItem) -> WorkItem:
    """A person who approves one that is held for its base accepts that."""
    pull = item.pull
    if pull is None or item.hold != _stray(draft, item, pull):
        return item
    accepted = msgspec.structs.replace(pull, accepted_base=pull.base, is_owed_update=draft.mission.traits.stacks)
    return draft.put(item.id, pull=accepted)


def _stray(draft: Draft, item: WorkItem, pull: PullState) -> str:
    return (
        f"its pull request goes into {base_of(draft, pull)}, which nobody chose here;"
        f" have it go into {draft.mission.base}, or: tt mission approve {item.typed}"
    )
