"""Items that are done, and whose merge is a person's: whether that has happened is looked at for as long as it takes."""

from __future__ import annotations

import msgspec

from tinytown.domain.pull import MergeabilitySeen
from tinytown.domain.watch import Watch, WatchStatus
from tinytown.domain.workitem import WorkItem
from tinytown.planner.draft import Draft
from tinytown.planner.heads import base_of, put_pull
from tinytown.planner.looks import after_look, after_refusal
from tinytown.planner.merging import record_merge
from tinytown.planner.notices import tell_of_merge
from tinytown.planner.stacking import rebased
from tinytown.planner.wants import Outcome, Refused


def looked(draft: Draft, watch: Watch, item: WorkItem, outcome: Outcome) -> None:
    """Take in what a look at an item that is done showed: merged or closed, or nothing new."""
    assert item.pull is not None  # noqa: S101  narrows the type: what is not open is not looked at
    match outcome.found:
        case MergeabilitySeen(merged_as=str() as sha, notice=notice):
            _put(draft, watch, status=WatchStatus.DONE, finding="merged")
            record_merge(draft, item, item.pull, sha)
            tell_of_merge(draft, item, item.pull, notice)
        case MergeabilitySeen(is_open=False):
            _put(draft, watch, status=WatchStatus.DONE, finding="closed")
            draft.put(item.id, pull=msgspec.structs.replace(item.pull, is_open=False))
            draft.say("pull.closed", f"PR #{item.pull.number} ({item.key}) was closed without merging", item=item.id)
        case Refused() as refused:
            draft.put_watch(after_refusal(draft, watch, refused))
        case MergeabilitySeen(base=base):
            draft.put_watch(after_look(draft, watch, "not merged yet"))
            if base is not None and base != base_of(draft, item.pull):
                put_pull(draft, item, rebased(draft, item, item.pull, base))
        case _:
            draft.put_watch(after_look(draft, watch, "not merged yet"))


def _put(draft: Draft, watch: Watch, **changes: object) -> None:
    draft.put_watch(msgspec.structs.replace(watch, last_check_at=draft.now, **changes))
