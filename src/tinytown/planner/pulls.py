"""Pull requests: opening them, and merging them one at a time per branch."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.pull import Merged, PullDraft
from tinytown.domain.refs import IssueRef, parse_issue_ref
from tinytown.domain.watch import TRIGGERS, Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import BUSY, PullState, Verdict, WorkItem, WorkStatus
from tinytown.planner.draft import Draft
from tinytown.planner.holds import forge_failed, is_backing_off
from tinytown.planner.notices import tell_of_merge
from tinytown.planner.resting import rest
from tinytown.planner.settle import look_now
from tinytown.planner.stage import Stage, stage_of
from tinytown.planner.wants import Merge, Opened, OpenPull, Outcome, Refused

_NO_ERRORS = {"errors": 0, "retry_at": None, "setback": ""}


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
            state = PullState(number=pull.number, url=pull.url, head=pull.head, opened_at=draft.now)
            refs = tuple(dict.fromkeys((*item.artifact_refs, pull.url)))
            draft.put(item.id, pull=state, submitted=pull.head, artifact_refs=refs, **_NO_ERRORS)
            draft.say("pull.opened", f"PR #{pull.number} is open for {item.key}", item=item.id)
            for kind in kinds:
                draft.put_watch(_watch(draft, item, pull.url, kind))
        case Refused(reason=reason, is_temporary=is_temporary):
            forge_failed(draft, item, "opening the pull request", reason, is_temporary=is_temporary)
        case _:
            pass


def merge_ready(draft: Draft) -> None:
    """Finish what is ready to merge, or want it merged: the one opened first, one at a time per branch."""
    while done := [item for item in _ready(draft) if item.is_merged or not _is_to_be_merged(draft, item)]:
        for item in done:  # and again: they may have been what others waited for
            finish(draft, item)
    waiting = [item for item in _ready(draft) if _is_to_be_merged(draft, item) and not is_backing_off(draft, item)]
    waiting.sort(key=_opened_at)
    for item, pull in [(item, item.pull) for item in waiting if item.pull is not None][:1]:
        draft.want(Merge(item_id=item.id, url=pull.url, head=pull.head, closes=_closes(draft, item)))


def _ready(draft: Draft) -> list[WorkItem]:
    """What nothing is in the way of; what a person sent back is mended before anything built on it goes on."""
    ready = [item for item in draft.unfinished() if stage_of(item, draft.mission.policy) is Stage.MERGE]
    return [item for item in ready if item.is_merged or all(draft.items[dep].is_done for dep in item.depends_on)]


def _is_to_be_merged(draft: Draft, item: WorkItem) -> bool:
    return draft.mission.policy.auto_merge or (item.pull is not None and item.merge_head == item.pull.head)


def merged(draft: Draft, outcome: Outcome, want: Merge) -> None:
    """Take in how a merge went; siblings are looked at again because their base moved."""
    item = draft.items[want.item_id]
    if item.pull is None or item.is_done:
        return
    match outcome.found:
        case Merged(sha=sha, notice=notice):
            record_merge(draft, item, item.pull, sha)
            tell_of_merge(draft, item, item.pull, notice)
        case Refused(reason=reason, is_temporary=is_temporary):
            draft.put(item.id, pull=msgspec.structs.replace(item.pull, mergeable=Verdict.UNKNOWN))
            look_now(draft, item.id, draft.now)
            forge_failed(draft, draft.items[item.id], "merging", reason, is_temporary=is_temporary)
        case _:
            pass


def record_merge(draft: Draft, item: WorkItem, pull: PullState, sha: str) -> None:
    """Remember the merge commit: nothing is left to mend or to ask. Others must show again that they merge."""
    refs = tuple(dict.fromkeys((*item.artifact_refs, sha)))
    pull = msgspec.structs.replace(pull, merged_as=sha)
    draft.cancel_tasks_of(item.id, f"{item.key} is merged")
    draft.put(item.id, pull=pull, artifact_refs=refs, task_id=None, fixes=(), hold=None, **_NO_ERRORS)
    if item.status in BUSY:
        draft.move(item.id, WorkStatus.BLOCKED)
    draft.say("pull.merged", f"PR #{pull.number} ({item.key}) is merged as {sha[:10]}", item=item.id)
    for other in draft.unfinished():
        if other.id != item.id and other.pull is not None and not other.is_merged:
            draft.put(other.id, pull=msgspec.structs.replace(other.pull, mergeable=Verdict.UNKNOWN))
            for watch in draft.watches_of(other.id):
                if watch.kind is WatchKind.MERGEABILITY:
                    draft.put_watch(msgspec.structs.replace(watch, next_due_at=draft.now))


def finish(draft: Draft, item: WorkItem) -> None:
    """The item is done; nothing of it is watched or reviewed any more."""
    draft.cancel_tasks_of(item.id, f"{item.key} is done")
    done = draft.move(item.id, WorkStatus.DONE, fixes=(), hold=None, retry_at=None)
    rest(draft, done)
    draft.say("item.done", f"{item.key} is done" + ("" if done.is_merged else ", ready to merge"), item=item.id)


def _opened_at(item: WorkItem) -> tuple[datetime, str]:
    return (item.pull.opened_at if item.pull and item.pull.opened_at else item.created_at), item.key


def _closes(draft: Draft, item: WorkItem) -> tuple[IssueRef, ...]:
    if item.source_ref is None or "#" not in item.source_ref:
        return ()
    try:
        return (parse_issue_ref(item.source_ref, draft.mission.home),)
    except InvalidInputError:
        return ()  # a document with a # in its path


def _pull_draft(draft: Draft, item: WorkItem) -> PullDraft:
    marker = f"<!-- tinytown:item={item.id} -->"
    closes = "".join(f"Closes {ref}\n" for ref in _closes(draft, item))
    body = f"{item.title}\n\n{closes}\n{marker}\n"
    return PullDraft(
        branch=item.branch,
        base=draft.mission.base,
        head=item.submitted or "",
        title=item.title,
        body=body,
        marker=marker,
        named_url=item.named_pull,
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
