"""An item's status set from outside, and evidence added to it; what is set is what the mission itself would have done.

| set to  | from                     | what it means                                                                     |
|---------|--------------------------|-----------------------------------------------------------------------------------|
| done    | pending, ready           | it was done elsewhere: nobody is given it, what waits for it may go on            |
| done    | assigned                 | the same; its task is taken out of the agent's inbox                              |
| done    | blocked                  | it is accepted as it is, unless its pull request is open: that is approved, merged |
| ready   | assigned, running        | taken back from its agent, whose run ends; what it committed stays on its branch  |
| ready   | pending                  | when it waits for nothing any more, as the next step would                        |
| ready   | blocked                  | tried again from the start, with all its tries; only when it has handed in nothing |
| blocked | pending, ready           | held for a person; resuming the mission lifts that                                |
| blocked | assigned, running        | taken back from its agent, and held                                               |
| running | assigned                 | the run that began is taken into account now instead of at the next step          |

Everything else is refused and changes nothing: `pending` and `assigned` follow from dependencies and from giving work out,
what is done is sent back with a reason, a gate is opened by an approval, and while an agent is at an item only its own
report says that it is done. What an item is already is no change.
"""

from __future__ import annotations

from collections.abc import Iterable

from tinytown.domain.errors import ConflictError, IllegalTransitionError, InvalidInputError
from tinytown.domain.task import Task, TaskState
from tinytown.domain.workitem import BUSY, WorkItem, WorkKind, WorkStatus
from tinytown.planner.directives import approve, lift
from tinytown.planner.draft import Draft
from tinytown.planner.holds import hold
from tinytown.planner.merging import finish
from tinytown.planner.promote import is_waiting
from tinytown.planner.reasons import reasons
from tinytown.planner.settle import give_back, take_back
from tinytown.planner.stage import ANY_HEAD

MOST_ARTIFACTS = 200
"""References that an item keeps at most."""

HELD = "held by a person; go on with: tt mission resume {run}"


def update(draft: Draft, item: WorkItem, status: WorkStatus | None, artifacts: Iterable[str]) -> WorkItem:
    """Set an item's status and add artifacts to it; the item as it is then.

    Raises:
        IllegalTransitionError: the status cannot be set so. ConflictError: the mission has ended.
        InvalidInputError: there would be too many artifacts.
    """
    if not draft.mission.is_active:
        raise ConflictError(f"the mission is {draft.mission.state.value}; nothing of it can be updated any more")
    if status is not None and status is not item.status:
        _set(draft, item, status)
    _add(draft, draft.items[item.id], artifacts)
    return draft.items[item.id]


def _set(draft: Draft, item: WorkItem, status: WorkStatus) -> None:
    match status:
        case WorkStatus.DONE:
            _done(draft, item)
        case WorkStatus.READY:
            _ready(draft, item)
        case WorkStatus.BLOCKED:
            _blocked(draft, item)
        case WorkStatus.RUNNING:
            _running(draft, item)
        case WorkStatus.PENDING:
            raise _refused(item, status, "that follows from what it depends on; to hold it, set it to blocked")
        case _:
            raise _refused(
                item, status, "that follows from giving it out; give the mission a note: redirect ITEM to AGENT"
            )


def _add(draft: Draft, item: WorkItem, artifacts: Iterable[str]) -> None:
    refs = tuple(dict.fromkeys((*item.artifact_refs, *artifacts)))
    if len(refs) > MOST_ARTIFACTS:
        raise InvalidInputError(f"{item.key} would have {len(refs)} artifacts; it keeps at most {MOST_ARTIFACTS}")
    if refs != item.artifact_refs:
        new = refs[len(item.artifact_refs) :]
        draft.put(item.id, artifact_refs=refs)
        draft.say("item.artifacts", f"{item.key} has {len(new)} more: {', '.join(new)[:300]}", item=item.id)


def _done(draft: Draft, item: WorkItem) -> None:
    if item.kind is WorkKind.MERGE_GATE and item.status is not WorkStatus.BLOCKED:
        raise _refused(item, WorkStatus.DONE, "it is a gate that is not reached yet; approve it to open it beforehand")
    if item.status is WorkStatus.BLOCKED:
        _accept(draft, item)
        return
    task = _own_task(draft, item, WorkStatus.DONE)
    if item.status is WorkStatus.RUNNING or (task is not None and task.state is TaskState.RUNNING):
        raise _refused(
            item, WorkStatus.DONE, "an agent is at it and reports when it is done; to take it back, set it to ready"
        )
    _check_no_open_pull(draft, item)
    draft.cancel_tasks_of(item.id, "done, as a person says")
    draft.put(item.id, approved_head=ANY_HEAD, task_id=None)
    finish(draft, draft.items[item.id])


def _accept(draft: Draft, item: WorkItem) -> None:
    if item.is_merged:
        finish(draft, item)
        return
    _check_no_open_pull(draft, item)
    approve(draft, item)


def _check_no_open_pull(draft: Draft, item: WorkItem) -> None:
    """What was handed in goes its way: past checks, review and merge, none of which is skipped by a word."""
    if item.submitted is not None and not item.is_merged and (item.pull is None or item.pull.is_open):
        raise _refused(item, WorkStatus.DONE, "its work is handed in; approve or merge it", *reasons(draft, item))


def _ready(draft: Draft, item: WorkItem) -> None:
    if item.is_done:
        raise _refused(item, WorkStatus.READY, _when_done(item))
    if item.kind is WorkKind.MERGE_GATE:
        raise _refused(item, WorkStatus.READY, "it is a gate; approving opens it")
    if item.submitted is not None or item.fixes:
        raise _refused(item, WorkStatus.READY, "its work is handed in; reject it with a reason to have it changed")
    if item.status not in BUSY and is_waiting(draft, item):
        raise _refused(item, WorkStatus.READY, *reasons(draft, item))
    _take_back(draft, item, WorkStatus.READY)
    if item.status is WorkStatus.PENDING:
        draft.move(item.id, WorkStatus.READY)
        draft.say("item.ready", f"{item.key} is ready", item=item.id)
    elif item.status is WorkStatus.BLOCKED or item.hold is not None:
        lift(draft, draft.items[item.id])


def _blocked(draft: Draft, item: WorkItem) -> None:
    if item.is_done:
        raise _refused(item, WorkStatus.BLOCKED, _when_done(item))
    if item.kind is WorkKind.MERGE_GATE:
        raise _refused(item, WorkStatus.BLOCKED, "it is a gate; it blocks when it is reached")
    _take_back(draft, item, WorkStatus.BLOCKED)
    hold(draft, draft.items[item.id], HELD.format(run=draft.mission.id[:8]))


def _running(draft: Draft, item: WorkItem) -> None:
    task = draft.tasks.get(item.task_id or "")
    if item.status is not WorkStatus.ASSIGNED or task is None or task.state is not TaskState.RUNNING:
        raise _refused(item, WorkStatus.RUNNING, "only the run of its agent makes it so, and none is under way")
    draft.move(item.id, WorkStatus.RUNNING)
    draft.say("item.running", f"{draft.agent_name(task.agent_id)} is at {item.key}", item=item.id)


def _take_back(draft: Draft, item: WorkItem, status: WorkStatus) -> None:
    """Take the item from its agent, if one has it."""
    task = _own_task(draft, item, status)
    if task is not None:
        take_back(draft, task, f"set to {status.value} by hand")
    elif item.status in BUSY:
        give_back(draft, item, f"set to {status.value} by hand")


def _own_task(draft: Draft, item: WorkItem, status: WorkStatus) -> Task | None:
    """The open task of an item that is in work; one that has just ended is taken into account first."""
    task = draft.tasks.get(item.task_id or "") if item.status in BUSY else None
    if task is not None and not task.is_open:
        raise _refused(item, status, "its agent has just ended; what it handed in is taken in first, try again")
    return task


def _when_done(item: WorkItem) -> str:
    """What can still be had of an item that is done."""
    if item.pull is not None and item.pull.is_open and not item.is_merged:
        return "reject it with a reason to have it changed"
    return "it has no open pull request that could be changed; what is still to be done is for a new mission"


def _refused(item: WorkItem, status: WorkStatus, *why: str) -> IllegalTransitionError:
    text = f"{item.key} is {item.status.value} and is not set to {status.value}: {'; '.join(why)}"
    return IllegalTransitionError(text, old=item.status.value, new=status.value)
