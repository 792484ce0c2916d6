"""What a person tells a mission: notes, approvals, stopping and going on. Each changes a draft or refuses."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tinytown.domain.agent import GONE, Agent
from tinytown.domain.errors import ConflictError, InvalidInputError, NotFoundError
from tinytown.domain.ids import by_prefix
from tinytown.domain.mission import MissionState
from tinytown.domain.task import TaskKind, TaskState
from tinytown.domain.watch import SNOOZE_LEAST_SECS, SNOOZE_MOST_SECS, Watch, WatchStatus
from tinytown.domain.workitem import BUSY, PullState, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner import fixes, reopen
from tinytown.planner.draft import Draft
from tinytown.planner.help import ask_no_more
from tinytown.planner.holds import hold, is_failing
from tinytown.planner.merging import finish
from tinytown.planner.promote import is_waiting
from tinytown.planner.settle import give_back, look_now, take_back
from tinytown.planner.stage import ANY_HEAD
from tinytown.planner.strays import accept_stray
from tinytown.planner.telling import forgive

STOPPED = "stopped by the operator"


def find_item(draft: Draft, text: str) -> WorkItem:
    """An item by its key (`#2`, `2`), its id or an unambiguous prefix of the id."""
    wanted = text.strip().lower()
    keyed = [i for i in draft.items.values() if i.key.lower() in {wanted, f"#{wanted}"}]
    if len(keyed) == 1:
        return keyed[0]
    return draft.items[by_prefix(wanted, draft.items, "item")]


def note(draft: Draft, text: str) -> str:
    """Carry out a note: `resume`/`retry`, `pause`/`hold`, `redirect [ITEM] to AGENT [reason]`, else keep it.

    Returns:
        What was done, in one line.
    """
    words = text.split()
    if not words:
        raise InvalidInputError("the note is empty; write e.g. resume, pause, or: redirect ITEM to AGENT")
    draft.say("mission.note", f"note: {text}")
    verb = _verb(text)
    if verb in _RESUMING:
        _go_on(draft)
        return "going on; what was held is tried again"
    if verb in _PAUSING:
        stop(draft, is_forced=False)
        return "stopped; runs under way may finish"
    if verb == "redirect":
        return _redirect(draft, words[1:])
    return _keep(draft, text, words)


def answer(draft: Draft, text: str) -> tuple[str, bool]:
    """A note upon which the mission goes on if it was stopped or held, unless it is the note that says to pause.

    Returns:
        What was done with the note, and whether the mission goes on that did not before.
    """
    was_waiting = _waits_for_a_person(draft)
    done = note(draft, text)
    if _verb(text) in _PAUSING:
        return done, False
    if was_waiting and _verb(text) not in _RESUMING:
        _go_on(draft)
    return done, was_waiting


_RESUMING = frozenset({"resume", "retry"})
_PAUSING = frozenset({"pause", "hold"})


def _verb(text: str) -> str:
    """What a note says to do, if it is a directive."""
    return next(iter(text.split()), "").lower().rstrip(":,.!")


def stop(draft: Draft, *, is_forced: bool) -> None:
    """Start nothing new: what is in an inbox is taken back. With force, so is what is being done.

    Raises:
        ConflictError: it has ended.
    """
    _check_active(draft)
    ask_no_more(draft)
    draft.put_mission(is_paused=True)
    draft.say("mission.stopped", "a person stopped the mission")  # dispatchers hear of it even when it was blocked
    draft.move_mission(MissionState.BLOCKED, STOPPED)
    for task in tuple(draft.tasks.values()):
        if task.is_open and (is_forced or task.state is not TaskState.RUNNING):
            take_back(draft, task, STOPPED)


def resume(draft: Draft) -> None:
    """Go on after a stop or a block; what was held for a person is tried again.

    Raises:
        ConflictError: it has ended, or is running with nothing held.
    """
    _check_active(draft)
    if not _waits_for_a_person(draft):
        raise ConflictError("the mission is running already; there is nothing to resume")
    _go_on(draft)


def _waits_for_a_person(draft: Draft) -> bool:
    is_held = any(i.hold is not None or is_failing(i) for i in draft.unfinished())
    return draft.mission.state is not MissionState.RUNNING or is_held


def approve(draft: Draft, item: WorkItem, comment: str = "") -> None:
    """A person accepts the item as it is: satisfies the review gate, or finishes what has no branch.

    Raises:
        ConflictError: there is nothing to approve.
    """
    _check_open(item)
    said = f": {comment}" if comment else ""
    if item.kind is WorkKind.MERGE_GATE and item.status is WorkStatus.PENDING:
        draft.put(item.id, approved_head=ANY_HEAD)
    elif item.status is not WorkStatus.BLOCKED:
        raise ConflictError(f"{item.key} is {item.status.value}; there is nothing to approve yet")
    elif item.submitted is None or (item.pull is not None and not item.pull.is_open):
        draft.put(item.id, approved_head=ANY_HEAD, pull=_approved(item.pull))
        finish(draft, draft.items[item.id])
    else:
        item = accept_stray(draft, item)
        draft.cancel_tasks_of(item.id, "approved by a person")
        kept = tuple(fix for fix in item.fixes if fix.cause != fixes.REVIEW)
        draft.put(item.id, approved_head=item.submitted, pull=_approved(item.pull), fixes=kept, **_TRIES_ANEW)
        _find_anew(draft, draft.items[item.id])
    draft.say("item.approved", f"a person approved {item.key}{said}", item=item.id)


_TRIES_ANEW = {"hold": None, "fix_rounds": 0, "errors": 0, "retry_at": None}


def _approved(pull: PullState | None) -> PullState | None:
    """The pull request with a person's approval in the place of whatever reviewers said of the same commit."""
    return msgspec.structs.replace(pull, review=Verdict.PASSED) if pull else None


def reject(draft: Draft, item: WorkItem, reason: str) -> None:
    """A person wants the item changed, also one that is done and not merged; the reason becomes a fix task.

    Raises:
        ConflictError: nothing has been handed in, or it is merged or about to be. InvalidInputError: no reason.
    """
    if not reason.strip():
        raise InvalidInputError("a rejection needs a reason; the agent is told nothing else")
    if item.is_done and item.has_branch:
        item = reopen.send_back(draft, item, reason)
    _check_open(item)
    if item.kind is WorkKind.MERGE_GATE:
        _reject_gate(draft, item, reason)
        return
    if item.status is not WorkStatus.BLOCKED or item.submitted is None:
        raise ConflictError(f"{item.key} is {item.status.value} and has handed in nothing that could be rejected")
    if item.pull is not None and item.pull.is_queued:
        raise ConflictError(f"PR #{item.pull.number} is in the merge queue; take it out of that first, on the forge")
    draft.cancel_tasks_of(item.id, "rejected by a person")
    pull = msgspec.structs.replace(item.pull, review=Verdict.FAILED) if item.pull else None
    item = draft.put(item.id, hold=None, approved_head=None, pull=pull, fix_rounds=0)
    text = f"A person rejected it:\n\n{reason}"
    fixes.request(draft, item, fixes.ask(draft, cause=fixes.REVIEW, head=item.submitted or "", text=text))


def _reject_gate(draft: Draft, item: WorkItem, reason: str) -> None:
    """A gate stays shut; one that is not reached yet only loses the approval it was given beforehand."""
    draft.put(item.id, approved_head=None)
    draft.say("item.rejected", f"a person rejected {item.key}: {reason}", item=item.id)
    if item.status is not WorkStatus.PENDING:
        again = f"when it may go on: tt mission approve {item.typed}"
        hold(draft, draft.items[item.id], f"rejected by a person: {reason}; {again}")


def snooze(draft: Draft, text: str, secs: int) -> Watch:
    """Leave a pull request alone for a while: nothing that one watch of it looks at is looked at.

    Args:
        draft: the mission.
        text: the watch's id or an unambiguous prefix of it.
        secs: for how long, from a minute to thirty days.

    Raises:
        NotFoundError, AmbiguousError: no such watch. InvalidInputError: not so long. IllegalTransitionError: it is done.
    """
    if not SNOOZE_LEAST_SECS <= secs <= SNOOZE_MOST_SECS:
        raise InvalidInputError(f"a watch is snoozed for {SNOOZE_LEAST_SECS} to {SNOOZE_MOST_SECS} seconds, not {secs}")
    watch = draft.watches[by_prefix(text, draft.watches, "watch")]
    snoozed = msgspec.structs.replace(
        watch, status=WatchStatus.SNOOZED, next_due_at=draft.now + timedelta(seconds=secs)
    )
    draft.put_watch(snoozed)
    item = draft.items[watch.work_item_id]
    draft.say("watch.snoozed", f"{watch.kind.value} of {item.key} is snoozed for {secs} s", item=item.id)
    return snoozed


def _check_active(draft: Draft) -> None:
    if not draft.mission.is_active:
        raise ConflictError(f"the mission is {draft.mission.state.value}; it has ended")


def _check_open(item: WorkItem) -> None:
    if item.is_done:
        raise ConflictError(f"{item.key} is done already")


def _go_on(draft: Draft) -> None:
    """Lift the stop and every hold, and give held items their tries anew."""
    _check_active(draft)
    ask_no_more(draft)
    draft.put_mission(is_paused=False)
    draft.say("mission.resumed", "a person resumed the mission")
    draft.move_mission(MissionState.RUNNING if draft.items else MissionState.PLANNING)
    forgive(draft)
    for item in draft.unfinished():
        if item.hold is not None and item.kind is not WorkKind.MERGE_GATE:
            lift(draft, item)
        elif is_failing(item):
            draft.put(item.id, errors=0, retry_at=None)
        _find_anew(draft, draft.items[item.id])


def _find_anew(draft: Draft, item: WorkItem) -> None:
    """Have the checks run and the merge tried again: a person may have mended what was wrong with neither branch."""
    if item.pull is None or item.is_merged or item.status is not WorkStatus.BLOCKED:
        return
    pull = msgspec.structs.replace(item.pull, updates=0)
    if pull.checks is Verdict.FAILED:
        pull = msgspec.structs.replace(pull, checks=Verdict.UNKNOWN, is_checked_again=True)
    if pull.mergeable is Verdict.FAILED:
        pull = msgspec.structs.replace(pull, mergeable=Verdict.UNKNOWN)
    kept = tuple(fix for fix in item.fixes if fix.cause not in {fixes.CHECKS, fixes.CONFLICT})
    draft.put(item.id, pull=pull, fixes=kept)
    look_now(draft, item.id, draft.now)


def lift(draft: Draft, item: WorkItem) -> None:
    """Try an item again that a person was to decide upon, with all its tries; it waits if it depends on something."""
    item = draft.put(item.id, failed_attempts=0, lost_runs=0, **_TRIES_ANEW)
    draft.say("item.resumed", f"{item.key} is tried again", item=item.id)
    if not item.fixes and item.submitted is None and item.status is WorkStatus.BLOCKED:
        draft.move(item.id, WorkStatus.READY)
        if is_waiting(draft, item):  # it was held before it was its turn, or what it builds on was sent back
            draft.move(item.id, WorkStatus.PENDING)
    look_now(draft, item.id, draft.now)


def _redirect(draft: Draft, words: list[str]) -> str:
    at = next((place for place, word in enumerate(words[:2]) if word.lower() == "to"), len(words))
    if at + 1 >= len(words):
        raise InvalidInputError("write: redirect ITEM to AGENT [reason]")
    item = find_item(draft, words[0]) if at == 1 else _only_item(draft)
    agent = _find_agent(draft, words[at + 1])
    _check_open(item)
    if agent.state in GONE:
        raise ConflictError(f"{agent.name} is {agent.state.phrase} and takes no work; choose another agent")
    reason = " ".join(words[at + 2 :])
    _take_back(draft, item, f"redirected to {agent.name}")
    item = draft.put(item.id, pinned_to=agent.id, notes=(*item.notes, reason) if reason else item.notes)
    if item.hold is not None:
        lift(draft, item)
    draft.say("item.redirected", f"{item.key} is redirected to {agent.name}", item=item.id, agent=agent.id)
    return f"{item.key} goes to {agent.name}"


def _only_item(draft: Draft) -> WorkItem:
    """The item that is meant when none is named: the only one that is held, else the only one under way."""
    open_items = draft.unfinished()
    for group in (
        [i for i in open_items if i.hold is not None],
        [i for i in open_items if i.status in BUSY or i.status is WorkStatus.READY],
    ):
        if len(group) == 1:
            return group[0]
    keys = ", ".join(i.key for i in open_items)
    raise InvalidInputError(f"say which item to redirect ({keys}): redirect ITEM to AGENT")


def _find_agent(draft: Draft, name: str) -> Agent:
    for agent in draft.agents.values():
        if agent.name.lower() == name.lower().rstrip(".,"):
            return agent
    known = ", ".join(sorted(a.name for a in draft.agents.values())) or "none"
    raise NotFoundError(f"no agent '{name}'; there are: {known}")


def _take_back(draft: Draft, item: WorkItem, reason: str) -> None:
    """Cancel whatever is being done for an item and put it back to where it waits for an agent."""
    work = draft.tasks.get(item.task_id or "")
    draft.cancel_tasks_of(item.id, reason)
    if work is not None and work.is_open and work.spec.kind is not TaskKind.REVIEW:
        give_back(draft, draft.items[item.id], reason)


def _keep(draft: Draft, text: str, words: list[str]) -> str:
    """An operator's note: to the item it names first, else to every item, with the next prompt."""
    named = [i for i in draft.unfinished() if i.key.lower() == words[0].lower().rstrip(":,")]
    if len(named) == 1:
        draft.put(named[0].id, notes=(*named[0].notes, text))
        return f"kept; handed to the agent of {named[0].key} with its next prompt"
    draft.put_mission(notes=(*draft.mission.notes, text))
    return "kept; handed to each agent of the mission with its next prompt"
