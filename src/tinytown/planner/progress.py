"""Whether the mission moves: completed, running, blocked with a reason, or in need of help."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tinytown.domain.agent import GONE
from tinytown.domain.mission import MissionState
from tinytown.domain.task import Task, TaskState
from tinytown.domain.watch import WatchStatus
from tinytown.domain.workitem import BUSY, WorkItem
from tinytown.planner.attendance import AWAY, is_expected
from tinytown.planner.draft import Draft
from tinytown.planner.fit import is_free, mender_for, suitable_workers
from tinytown.planner.help import ask, ask_no_more, item_cause
from tinytown.planner.holds import is_failing
from tinytown.planner.promote import open_outside
from tinytown.planner.reasons import lacks_agent, reasons
from tinytown.planner.resting import is_kept
from tinytown.planner.stage import Stage, stage_of

STALLED_AFTER = timedelta(hours=1)
"""How long nothing may change, while nobody works, before help is asked."""


def conclude(draft: Draft) -> None:
    """Set the mission's state from its items', and ask for help where it is stuck."""
    open_items = draft.unfinished()
    if draft.mission.is_paused and (open_items or not draft.items):
        ask_no_more(draft)  # one that was stopped before it was planned has no items, and is not done
        return
    if not open_items:
        _complete(draft)
        return
    if _is_moving(draft, open_items):
        draft.move_mission(MissionState.RUNNING)
    elif not (draft.wants and draft.mission.state is MissionState.RUNNING):
        # a running mission is not called blocked while what it just wanted from outside may move it on
        _block(draft, reasons_to_wait(draft, open_items))
    ask(draft, _stuck(draft, open_items), first_at=_first_ask(draft))


def reasons_to_wait(draft: Draft, items: list[WorkItem]) -> str:
    """The first reason of the first item that waits for more than its siblings."""
    order = [Stage.HELD, Stage.AGENT, Stage.FIX, Stage.REVIEW, Stage.PEOPLE, Stage.CHECKS]
    ranked = sorted(items, key=lambda i: _rank(order, stage_of(i, draft.mission.policy)))
    first = ranked[0]
    more = f" (and {len(items) - 1} more)" if len(items) > 1 else ""
    return f"{first.key}: {reasons(draft, first)[0]}{more}"


def _rank(order: list[Stage], stage: Stage) -> int:
    if stage in order:
        return order.index(stage)
    return len(order) + (stage is Stage.DEPENDENCIES)


def _complete(draft: Draft) -> None:
    draft.wake_at = None
    ask_no_more(draft)
    draft.put_mission(is_paused=False)
    for watch in tuple(draft.watches.values()):
        if is_kept(watch, draft.items.get(watch.work_item_id)):
            draft.wake(watch.next_due_at)
        elif watch.status is not WatchStatus.DONE:
            draft.put_watch(msgspec.structs.replace(watch, status=WatchStatus.DONE))
    if draft.mission.state is not MissionState.COMPLETED:
        draft.move_mission(MissionState.COMPLETED)


def _is_moving(draft: Draft, items: list[WorkItem]) -> bool:
    """Whether an agent is at something, or a free one is about to get something."""
    if any(_is_attended(draft, i) for i in items):
        return True
    stages = [(i, stage_of(i, draft.mission.policy)) for i in items]
    if draft.wants and any(stage in {Stage.PULL, Stage.BEHIND, Stage.MERGE} for _, stage in stages):
        return True
    has_room = sum(i.status in BUSY for i in items) < draft.mission.policy.max_parallel_items
    return has_room and any(_has_free_agent(draft, i, stage) for i, stage in stages)


def _is_attended(draft: Draft, item: WorkItem) -> bool:
    """Whether an agent that has it, or its review, is there or soon back."""
    if item.status in BUSY and is_expected(draft, draft.agents.get(item.assigned_to or "")):
        return True
    review = draft.tasks.get(item.review_task_id or "")
    if review is None:
        return item.review_task_id is not None  # given just now, to somebody free
    return is_expected(draft, draft.agents.get(review.agent_id or ""))


def _has_free_agent(draft: Draft, item: WorkItem, stage: Stage) -> bool:
    if stage is Stage.AGENT:
        return any(is_free(draft, agent) for agent in suitable_workers(draft, item))
    return stage is Stage.FIX and mender_for(draft, item) is not None


def _block(draft: Draft, reason: str) -> None:
    if draft.mission.state is MissionState.BLOCKED:
        draft.put_mission(blocked_reason=reason)
    else:
        draft.move_mission(MissionState.BLOCKED, reason)


def _stuck(draft: Draft, items: list[WorkItem]) -> tuple[str, ...]:
    """What nobody but a person can resolve, in one sentence each that stays the same while it lasts."""
    held = [item_cause(i) for i in items if i.hold is not None or is_failing(i)]
    lacking = [text for i in items if (text := lacks_agent(draft, i)) is not None]
    lacking += [f"{i.key} waits for {dep.ref}: {dep.finding}" for i in items for dep in open_outside(i) if dep.finding]
    if held or lacking:
        return (*held, *lacking)
    stalled = _stalled(draft, items)
    return (stalled,) if stalled is not None else ()


def _stalled(draft: Draft, items: list[WorkItem]) -> str | None:
    """That nothing happened for long, though nobody works: whatever waits for what should have come by then."""
    if any(_is_run(draft, task) for task in draft.tasks.values()):
        return None
    last = max(item.updated_at for item in draft.items.values())
    if draft.now - last < STALLED_AFTER:
        draft.wake(last + STALLED_AFTER)
        return None
    waiting = ", ".join(item.key for item in items)
    return f"nothing has changed since {last:%Y-%m-%d %H:%M} UTC; waiting: {waiting}"


def _is_run(draft: Draft, task: Task) -> bool:
    agent = draft.agents.get(task.agent_id or "")
    return task.state is TaskState.RUNNING and agent is not None and agent.state not in AWAY


def _first_ask(draft: Draft) -> datetime:
    """At once when a person must decide; after a while when an agent may still turn up."""
    if any(i.hold is not None or is_failing(i) for i in draft.unfinished()):
        return draft.now
    if all(a.state in GONE for a in draft.agents.values()):  # one that lost its host is back as soon as that is
        return draft.now
    return draft.now + timedelta(seconds=draft.mission.policy.help_after_secs)
