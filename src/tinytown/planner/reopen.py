"""Taking up again an item that is done and not merged: a person sends it back, or wants it merged."""

from __future__ import annotations

import msgspec

from tinytown.domain.errors import ConflictError
from tinytown.domain.mission import MissionState
from tinytown.domain.task import TaskState
from tinytown.domain.watch import WatchStatus
from tinytown.domain.workitem import PullState, Verdict, WorkItem, WorkStatus
from tinytown.planner.draft import Draft
from tinytown.planner.reasons import reasons
from tinytown.planner.settle import take_back
from tinytown.planner.stacking import lower
from tinytown.planner.stage import Stage, stage_of


def send_back(draft: Draft, item: WorkItem, reason: str) -> WorkItem:
    """Take up an item that is done, to be mended; whoever builds on it is told.

    Raises:
        ConflictError: there is nothing that could be mended, or it is merged.
    """
    item = _reopen(draft, item, _pull_of(item))
    for other in [other for other in draft.unfinished() if item.id in other.depends_on]:
        _tell(draft, item, other, reason)
    draft.say("item.rejected", f"a person sent {item.key} back, which was done", item=item.id)
    return draft.items[item.id]


def merge(draft: Draft, item: WorkItem) -> None:
    """A person wants the item's head commit merged, with every condition looked at anew.

    Raises:
        ConflictError: it is not ready, or merged; the message says what is in the way.
    """
    pull = _pull_of(item)
    if draft.mission.is_paused and draft.mission.is_active:
        raise ConflictError(f"the mission is stopped; first: tt mission resume {draft.mission.id[:8]}")
    beneath = lower(draft, item)
    for dep in (*(draft.items[i] for i in item.depends_on), *((beneath,) if beneath is not None else ())):
        if dep.has_branch and dep.pull is not None and not dep.is_merged:
            raise ConflictError(
                f"{item.key} is built on {dep.key}, which is not merged; first: tt mission merge {dep.typed}"
            )
    if not item.is_done and stage_of(item, draft.mission.policy) is not Stage.MERGE:
        raise ConflictError(f"{item.key} cannot be merged yet: {'; '.join(reasons(draft, item))}")
    if item.is_done:
        pull = msgspec.structs.replace(pull, checks=Verdict.UNKNOWN, mergeable=Verdict.UNKNOWN, is_heard=False)
        item = _reopen(draft, item, pull)
    draft.put(item.id, merge_head=pull.head)
    draft.say("item.merging", f"a person wants {item.key} merged at {pull.head[:10]}", item=item.id)


def _pull_of(item: WorkItem) -> PullState:
    """The pull request of an item that a person decides upon, unless that is over."""
    if item.is_merged:
        raise ConflictError(f"{item.key} is merged already; what is wrong with it is a new issue")
    if item.pull is None:
        what = item.status.value if item.has_branch else f"{item.status.value}, and has no branch"
        raise ConflictError(
            f"{item.key} cannot be merged yet or changed: it is {what}; see: tt mission why {item.typed}"
        )
    if not item.pull.is_open:
        raise ConflictError(f"the pull request of {item.key} was closed; reopen it first")
    return item.pull


def _reopen(draft: Draft, item: WorkItem, pull: PullState) -> WorkItem:
    if draft.mission.state is MissionState.COMPLETED:
        draft.move_mission(MissionState.RUNNING)
    for watch in tuple(draft.watches.values()):
        if watch.work_item_id == item.id and watch.target_ref == pull.url:
            draft.put_watch(msgspec.structs.replace(watch, status=WatchStatus.ACTIVE, next_due_at=draft.now))
    return draft.move(item.id, WorkStatus.BLOCKED, pull=pull)


def _tell(draft: Draft, item: WorkItem, other: WorkItem, reason: str) -> None:
    """An item that was not begun waits again; one that was begun from the branch hears of it with its next prompt."""
    why = f"{item.key} was sent back"
    task = draft.tasks.get(other.task_id or "")
    if other.status is WorkStatus.ASSIGNED and task is not None and task.state is TaskState.ASSIGNED and task.runs == 0:
        take_back(draft, task, why)
    other = draft.items[other.id]
    is_begun = other.task_id is not None or other.submitted is not None
    if other.status is WorkStatus.READY:
        draft.move(other.id, WorkStatus.PENDING)
        draft.say("item.waits", f"{other.key} waits again: {why}", item=other.id)
    if is_begun:
        note = (
            f"{item.key}, which this work was started from, was sent back: {reason}\n"
            f"When branch {item.branch} has changed, merge it into yours."
        )
        draft.put(other.id, notes=(*other.notes, note))
        draft.say("item.told", f"the agent of {other.key} is told that {why}", item=other.id)
