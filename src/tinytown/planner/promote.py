"""Items whose dependencies are satisfied become ready; dependencies outside the mission are looked at again."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import OutsideDependency, WorkItem, WorkKind, WorkStatus
from tinytown.planner.draft import Draft
from tinytown.planner.wants import LookedUp, LookUp, Outcome, Refused

APPROVE_FIRST = "a gate; when all behind it may go on: tt mission approve {key}"


def promote(draft: Draft) -> None:
    """Move pending items on whose dependencies are done and whose outside issues are closed; open gates reached."""
    _make_ready(draft)
    while _open_gates(draft):
        _make_ready(draft)


def _make_ready(draft: Draft) -> None:
    done = {item_id for item_id, item in draft.items.items() if item.is_done}
    for item in draft.unfinished():
        if item.status is WorkStatus.PENDING and done.issuperset(item.depends_on) and not open_outside(item):
            draft.move(item.id, WorkStatus.READY)
            draft.say("item.ready", f"{item.key} is ready", item=item.id)


def _open_gates(draft: Draft) -> bool:
    """Pass the gates approved beforehand, have the others wait; returns whether any was passed."""
    reached = [i for i in draft.unfinished() if i.kind is WorkKind.MERGE_GATE and i.status is WorkStatus.READY]
    for item in reached:
        _open_gate(draft, item)
    return any(draft.items[item.id].is_done for item in reached)


def open_outside(item: WorkItem) -> tuple[OutsideDependency, ...]:
    """The issues outside the mission that the item still waits for."""
    return tuple(dep for dep in item.waits_for if dep.is_open)


def is_waiting(draft: Draft, item: WorkItem) -> bool:
    """Whether something it depends on is not done."""
    return not all(draft.items[dep].is_done for dep in item.depends_on) or bool(open_outside(item))


def look_up(draft: Draft) -> None:
    """Want a fresh look at each open outside issue once per watch interval, and when the forge told of it."""
    interval = timedelta(seconds=draft.mission.policy.watch_interval_secs)
    due: dict[IssueRef, None] = {}
    for item in draft.unfinished():
        for dep in open_outside(item):
            if dep.ref.signal in draft.signals or dep.checked_at + interval <= draft.now:
                due[dep.ref] = None
            else:
                draft.wake(dep.checked_at + interval)
    for ref in due:
        draft.want(LookUp(ref=ref, signal=draft.signals.get(ref.signal)))


def looked_up(draft: Draft, outcome: Outcome, want: LookUp) -> None:
    """Take in what a look at an outside issue found; an unreachable forge leaves it as it was."""
    if want.signal is not None:
        draft.answer(want.ref.signal, want.signal)
    match outcome.found:
        case LookedUp(is_open=is_open):
            finding = ""
        case Refused(reason=reason, is_temporary=is_temporary):
            is_open, finding = True, "" if is_temporary else reason
        case _:
            return
    for item in draft.unfinished():
        if any(dep.ref == want.ref for dep in item.waits_for):
            _record(draft, item, want.ref, is_open=is_open, finding=finding)


def _record(draft: Draft, item: WorkItem, ref: IssueRef, *, is_open: bool, finding: str) -> None:
    deps = tuple(
        msgspec.structs.replace(dep, is_open=dep.is_open and is_open, checked_at=draft.now, finding=finding)
        if dep.ref == ref
        else dep
        for dep in item.waits_for
    )
    draft.put(
        item.id, waits_for=deps, updated_at=item.updated_at if is_open else draft.now
    )  # a mere look moves nothing
    if not is_open:
        draft.say("item.unblocked", f"{item.key} no longer waits for {ref}, which is closed", item=item.id)


def _open_gate(draft: Draft, item: WorkItem) -> None:
    if item.approved_head is not None:
        draft.move(item.id, WorkStatus.DONE)
        draft.say("item.done", f"{item.key} is approved", item=item.id)
    else:
        draft.move(item.id, WorkStatus.BLOCKED, hold=APPROVE_FIRST.format(key=item.typed))
        draft.say("item.blocked", f"{item.key} waits for a person's approval", item=item.id)
