"""What agents did since the last step is taken into account: runs begun, work handed in, reviews, failures."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from tinytown.domain.backoff import retry_at
from tinytown.domain.task import Report, Task, TaskKind, TaskState
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import BUSY, PullState, Verdict, WorkItem, WorkStatus
from tinytown.planner import fixes
from tinytown.planner.draft import Draft
from tinytown.planner.holds import hold

_PULL_URL = re.compile(r"https?://[^\s<>()\"']+/pull/[0-9]+")

NO_COMMIT = "reported as done, but its branch has no commit; accept it with: tt mission approve {key}"
NO_ANSWER = "reported as done without an answer; accept it with: tt mission approve {key}"
STOPPED = "the mission is stopped"
REJECTED_SILENTLY = "The reviewer rejected this commit without giving a reason."


def settle(draft: Draft) -> None:
    """Move each item on by what became of its open tasks."""
    _release_missing(draft)
    for task in tuple(draft.tasks.values()):
        if task.id not in draft.tasks:
            continue  # taken back with what became of another
        item = draft.items.get(task.spec.item_id or "")
        if item is None or task.id not in {item.task_id, item.review_task_id}:
            _forget(draft, task)
        elif task.is_open:
            _follow(draft, item, task)
        elif task.spec.kind is TaskKind.REVIEW:
            _settle_review(draft, item, task)
        else:
            _settle_work(draft, item, task)


def _release_missing(draft: Draft) -> None:
    """A task that the store forgot (a mission that was stopped for a month) is given out anew."""
    for item in draft.unfinished():
        if item.status in BUSY and item.task_id not in draft.tasks:
            give_back(draft, item, "its task is gone")
        if item.review_task_id is not None and item.review_task_id not in draft.tasks:
            draft.put(item.id, review_task_id=None)


def _forget(draft: Draft, task: Task) -> None:
    """A task that its item no longer knows: redirected or replaced."""
    if task.is_open:
        draft.cancel(task, "replaced")
    else:
        draft.settle(task.id)


def _follow(draft: Draft, item: WorkItem, task: Task) -> None:
    if draft.mission.is_paused and task.state is not TaskState.RUNNING:
        take_back(draft, task, STOPPED)  # its run ended without a result, and nothing new may start
    elif task.spec.kind is TaskKind.REVIEW:
        return
    elif task.state is TaskState.RUNNING and item.status is WorkStatus.ASSIGNED:
        draft.move(item.id, WorkStatus.RUNNING)
        draft.say("item.running", f"{draft.agent_name(task.agent_id)} is at {item.key}", item=item.id)
    elif task.state is not TaskState.RUNNING and item.status is WorkStatus.RUNNING:
        draft.move(item.id, WorkStatus.ASSIGNED)
        why = f": {task.reason}" if task.reason else ""
        draft.say("item.handed_back", f"the run of {item.key} ended without a result{why}", item=item.id)


def _settle_work(draft: Draft, item: WorkItem, task: Task) -> None:
    draft.settle(task.id)
    if task.state is TaskState.COMPLETED:
        _completed(draft, item, task)
    elif task.state is TaskState.FAILED:
        _failed(draft, item, task)
    else:
        give_back(draft, _without_unbegun_round(draft, item, task), task.reason or "its task was cancelled")


def _completed(draft: Draft, item: WorkItem, task: Task) -> None:
    changes: dict[str, object] = {
        "task_id": None,
        "work_task_id": task.id,
        "failed_attempts": 0,
        "lost_runs": 0,
        "retry_at": None,
        "setback": "",
        "history": (),
    }
    head = task.head or item.submitted
    if not item.has_branch or (item.is_parent and head is None):
        _answered(draft, item, task, changes)
        return
    draft.move(item.id, WorkStatus.BLOCKED, **changes)
    if head is None:
        hold(draft, draft.items[item.id], NO_COMMIT.format(key=item.typed))
        return
    submit(draft, draft.items[item.id], task, head)


def _answered(draft: Draft, item: WorkItem, task: Task, changes: dict[str, object]) -> None:
    """An item without a branch, or whose parts were all there was to do: its outcome is what the agent said."""
    if task.result.strip():
        draft.move(item.id, WorkStatus.DONE, **changes)
        draft.say("item.done", f"{item.key} is done", item=item.id)
    else:
        draft.move(item.id, WorkStatus.BLOCKED, **changes)
        hold(draft, draft.items[item.id], NO_ANSWER.format(key=item.typed))


def submit(draft: Draft, item: WorkItem, task: Task, head: str) -> None:
    """Take in the head commit that an agent handed in."""
    named = _PULL_URL.search(task.result)
    kept = tuple(fix for fix in item.fixes if fix.cause not in task.spec.causes and fix.cause == fixes.REVIEW)
    refs = tuple(dict.fromkeys((*item.artifact_refs, head)))
    draft.put(
        item.id,
        branch=task.branch or item.branch,
        fixes=kept,
        named_pull=named.group() if named else item.named_pull,
        artifact_refs=refs,
    )
    new_head(draft, draft.items[item.id], head)
    who = draft.agent_name(task.agent_id)
    draft.say("item.submitted", f"{who} handed in {item.key} at {head[:10]}", item=item.id)


def new_head(draft: Draft, item: WorkItem, head: str) -> WorkItem:
    """The branch is at `head`: what is known of an earlier commit is forgotten, and watches look at once."""
    review = draft.tasks.get(item.review_task_id or "")
    if review is not None and review.is_open and review.spec.head != head:
        draft.cancel(review, f"{item.key} has a newer commit {head[:10]}")
        draft.put(item.id, review_task_id=None)
    pull = fixes.forget_verdicts(item.pull, head, draft.now) if item.pull else None
    look_now(draft, item.id, draft.now)
    return draft.put(item.id, submitted=head, pull=pull)


def look_now(draft: Draft, item_id: str, at: datetime, *kinds: WatchKind) -> None:
    """Make every watch of an item, or those of some kinds, due."""
    for watch in draft.watches_of(item_id):
        if not kinds or watch.kind in kinds:
            draft.put_watch(msgspec.structs.replace(watch, next_due_at=at, quick_looks=0, is_put_off=False))


def _failed(draft: Draft, item: WorkItem, task: Task) -> None:
    if task.hook is not None:
        _kept_from_beginning(draft, item, task, task.hook)
        return
    reason = task.reason or "no reason given"
    failed = item.failed_attempts + 1
    who = draft.agent_name(task.agent_id)
    draft.say("item.failed", f"{who} failed at {item.key} (try {failed}): {reason}", item=item.id)
    _give_back(draft, item, retry_at(draft.now, failed))
    most = draft.mission.policy.max_attempts
    setback = f"{who} failed (try {failed} of {most}): {reason}"
    draft.put(item.id, failed_attempts=failed, setback=setback, history=(*item.history, f"{who}: {reason}"))
    if failed >= most:
        hold(draft, draft.items[item.id], f"failed {failed} times, last: {reason}")


def _kept_from_beginning(draft: Draft, item: WorkItem, task: Task, hook: str) -> None:
    """A hook, which no agent can mend, failed again and again: no try was had, and a person must look."""
    if task.spec.kind is TaskKind.FIX:
        draft.put(item.id, fix_rounds=max(item.fix_rounds - 1, 0))
    if task.spec.kind is not TaskKind.REVIEW:
        _give_back(draft, item, None)
    again = f"mend it, then: tt mission resume {draft.mission.id[:8]}"
    reason = f"hook {hook} failed {task.hook_failures} times in a row, last: {task.reason}; {again}"
    hold(draft, draft.items[item.id], reason)


def _give_back(draft: Draft, item: WorkItem, at: datetime | None) -> None:
    """The item goes back to where its task came from: to be worked on, or to be mended or looked at as it is."""
    back = WorkStatus.READY if item.submitted is None else WorkStatus.BLOCKED
    draft.move(item.id, back, task_id=None, retry_at=at)


def take_back(draft: Draft, task: Task, why: str) -> None:
    """Take an open task from its agent; its item may be given to anybody at once. Other tasks of it go on."""
    item = draft.items.get(task.spec.item_id or "")
    if item is None or task.id not in {item.task_id, item.review_task_id}:
        _forget(draft, task)
        return
    draft.cancel(task, why)
    if task.spec.kind is TaskKind.REVIEW:
        draft.put(item.id, review_task_id=None)
        draft.say("review.released", f"{item.key} is reviewed by somebody else: {why}", item=item.id)
        return
    give_back(draft, _without_unbegun_round(draft, item, task), why)


def _without_unbegun_round(draft: Draft, item: WorkItem, task: Task) -> WorkItem:
    """Of a fix that nobody was at no round was had."""
    if task.spec.kind is not TaskKind.FIX or task.runs > 0:
        return item
    return draft.put(item.id, fix_rounds=max(item.fix_rounds - 1, 0))


def give_back(draft: Draft, item: WorkItem, why: str) -> None:
    """Let somebody else take the item, at once."""
    _give_back(draft, item, None)
    draft.say("item.released", f"{item.key} goes to somebody else: {why}", item=item.id)


def _settle_review(draft: Draft, item: WorkItem, task: Task) -> None:
    draft.settle(task.id)
    draft.put(item.id, review_task_id=None)
    if task.state is TaskState.FAILED:
        _review_failed(draft, item, task)
    elif task.state is TaskState.COMPLETED and item.pull is not None and task.spec.head == item.pull.head:
        _judge(draft, item, item.pull, task)


def _judge(draft: Draft, item: WorkItem, pull: PullState, task: Task) -> None:
    """Take in a verdict on the head commit as it is now; a verdict on another commit says nothing of this one."""
    head = pull.head
    who = draft.agent_name(task.agent_id)
    approved = task.report is Report.APPROVED
    verdict = Verdict.PASSED if approved else Verdict.FAILED
    draft.put(
        item.id,
        pull=msgspec.structs.replace(pull, review=verdict),
        failed_attempts=0,
        lost_runs=0,
        retry_at=None,
        setback="",
    )
    if approved:
        draft.say("review.approved", f"{who} approved {item.key} at {head[:10]}", item=item.id)
        return
    draft.say("review.rejected", f"{who} rejected {item.key} at {head[:10]}", item=item.id)
    text = task.reason or task.result or REJECTED_SILENTLY
    wanted = fixes.ask(draft, cause=fixes.REVIEW, head=head, text=f"{who} rejected it:\n\n{text}")
    fixes.request(draft, draft.items[item.id], wanted)


def _review_failed(draft: Draft, item: WorkItem, task: Task) -> None:
    if task.hook is not None:
        _kept_from_beginning(draft, item, task, task.hook)
        return
    failed, most = item.failed_attempts + 1, draft.mission.policy.max_attempts
    who = draft.agent_name(task.agent_id)
    setback = f"{who} could not review it (try {failed} of {most}): {task.reason}"
    draft.put(item.id, failed_attempts=failed, retry_at=retry_at(draft.now, failed), setback=setback)
    draft.say("review.failed", f"{who} could not review {item.key}: {task.reason}", item=item.id)
    if failed >= most:
        hold(draft, draft.items[item.id], f"its review failed {failed} times, last: {task.reason}")
