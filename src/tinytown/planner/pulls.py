"""Pull requests: opening them, or finding those that are there."""

from __future__ import annotations

from tinytown.domain.pull import PullDraft
from tinytown.domain.watch import TRIGGERS, Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import PullState, WorkItem
from tinytown.planner.draft import Draft
from tinytown.planner.holds import forge_failed, is_backing_off
from tinytown.planner.sources import closes
from tinytown.planner.stacking import base_for
from tinytown.planner.stage import Stage, stage_of
from tinytown.planner.wants import Opened, OpenPull, Outcome, Refused

NO_ERRORS = {"errors": 0, "retry_at": None, "setback": ""}
"""What a forge call that succeeded leaves behind."""


def open_pulls(draft: Draft) -> None:
    """Want a pull request for each item that was handed in and has none."""
    for item in draft.unfinished():
        if stage_of(item, draft.mission.policy) is Stage.PULL and not is_backing_off(draft, item):
            draft.want(OpenPull(item_id=item.id, draft=_pull_draft(draft, item)))


def opened(draft: Draft, outcome: Outcome, want: OpenPull) -> None:
    """Take in that a pull request is there, and begin to watch it."""
    item = draft.items[want.item_id]
    if item.pull is not None or item.is_done:
        return
    match outcome.found:
        case Opened(pull=pull, watch_kinds=kinds):
            state = PullState(
                number=pull.number,
                url=pull.url,
                head=pull.head,
                head_since=draft.now,
                base=pull.base,
                opened_at=draft.now,
            )
            refs = tuple(dict.fromkeys((*item.artifact_refs, pull.url)))
            draft.put(item.id, pull=state, submitted=pull.head, artifact_refs=refs, **NO_ERRORS)
            draft.say("pull.opened", f"PR #{pull.number} is open for {item.key}", item=item.id)
            for kind in kinds:
                draft.put_watch(_watch(draft, item, pull.url, kind))
        case Refused() as refused:
            forge_failed(draft, item, "opening the pull request", refused)
        case _:
            pass


def _pull_draft(draft: Draft, item: WorkItem) -> PullDraft:
    return PullDraft(
        branch=item.branch,
        base=base_for(draft, item),
        head=item.submitted or "",
        title=item.title,
        body=item.title,
        marker=f"<!-- tinytown:item={item.id} -->",
        named_url=item.named_pull,
        closes=closes(draft, item),
    )


def _watch(draft: Draft, item: WorkItem, target: str, kind: WatchKind) -> Watch:
    return Watch(
        id=draft.next_id("watch", item.id, kind.value, target),
        mission_id=draft.mission.id,
        work_item_id=item.id,
        kind=kind,
        target_ref=target,
        interval_secs=draft.mission.policy.watch_interval_secs,
        next_due_at=draft.now,
        status=WatchStatus.ACTIVE,
        on_trigger=TRIGGERS[kind],
    )
