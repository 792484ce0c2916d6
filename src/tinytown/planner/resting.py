"""Which watches of an item that is done go on: the one that sees it merged, when that is left to a person."""

from __future__ import annotations

import msgspec

from tinytown.domain.watch import Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import WorkItem
from tinytown.planner.draft import Draft


def rest(draft: Draft, item: WorkItem) -> None:
    """End the watches of an item that is done, but for the one that is to see it merged."""
    for watch in draft.watches_of(item.id):
        if not is_kept(watch, item):
            draft.put_watch(msgspec.structs.replace(watch, status=WatchStatus.DONE))


def is_kept(watch: Watch, item: WorkItem | None) -> bool:
    """Whether a watch goes on although its item is done."""
    if item is None or item.pull is None or not item.pull.is_open or item.is_merged:
        return False
    return watch.kind is WatchKind.MERGEABILITY and watch.status is not WatchStatus.DONE
