"""Asking the conductor for help with what nobody else can resolve."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from tinytown.domain.ids import CONDUCTOR
from tinytown.domain.message import Message, MessageKind
from tinytown.domain.mission import Help, MissionState, Question
from tinytown.domain.workitem import WorkItem, WorkKind
from tinytown.planner.backoff import ask_again_at
from tinytown.planner.draft import Draft

DISPATCHER = "dispatcher"


def ask(draft: Draft, causes: tuple[str, ...], *, first_at: datetime) -> None:
    """Ask the conductor once, then with growing pauses for as long as something of it lasts.

    What came later is asked about by itself; a question of which nothing lasts is taken back.

    Args:
        draft: the mission that needs help; it has its new state.
        causes: with what, one sentence each that stays the same while it lasts; none for nothing.
        first_at: when to ask first about what is new.
    """
    known = _still(draft, causes)
    if not causes:
        draft.put_mission(help=None)
        return
    if known is None:
        known = Help(cause="", since=draft.now, ask_at=first_at)
    known = msgspec.structs.replace(known, cause="; ".join(causes), causes=causes)
    if known.ask_at <= draft.now:
        _withdraw(draft, known.questions)
        asked = known.times_asked + 1
        again = ask_again_at(draft.now, asked)
        questions = (_send(draft, causes, is_first=known.times_asked == 0),)
        known = msgspec.structs.replace(known, times_asked=asked, ask_at=again, new_at=None, questions=questions)
    elif known.times_asked > 0:
        known = _ask_about_new(draft, known, first_at)
    draft.put_mission(help=known)
    draft.wake(known.ask_at)


def ask_no_more(draft: Draft) -> None:
    """Help is not needed any more; what was asked is taken back."""
    ask(draft, (), first_at=draft.now)


def item_cause(item: WorkItem) -> str:
    """Why an item needs a person: it is held, or something keeps failing."""
    return f"{item.key}: {item.hold or item.setback}"


def _still(draft: Draft, causes: tuple[str, ...]) -> Help | None:
    """What is known of asking about any of these causes; questions about others are taken back."""
    known = draft.mission.help
    if known is None:
        return None
    if set(causes).isdisjoint((known.cause, *known.causes)):
        _withdraw(draft, known.questions)  # also one whose cause is back: it is asked about anew
        return None
    lasting = tuple(one for one in known.questions if not set(causes).isdisjoint(one.causes))
    _withdraw(draft, [one for one in known.questions if one not in lasting])
    return msgspec.structs.replace(known, questions=lasting)


def _ask_about_new(draft: Draft, known: Help, first_at: datetime) -> Help:
    told = {cause for one in known.questions for cause in one.causes}
    new = tuple(cause for cause in known.causes if cause not in told)
    if not new:
        return msgspec.structs.replace(known, new_at=None)
    at = min(known.new_at or first_at, first_at)
    if at <= draft.now:
        question = _send(draft, new, is_first=True)
        return msgspec.structs.replace(known, new_at=None, questions=(*known.questions, question))
    draft.wake(at)
    return msgspec.structs.replace(known, new_at=at)


def _withdraw(draft: Draft, questions: Iterable[Question]) -> None:
    for question in questions:
        draft.withdraw(CONDUCTOR, question.id)


def _send(draft: Draft, causes: tuple[str, ...], *, is_first: bool) -> Question:
    run, cause = draft.mission.id[:8], "; ".join(causes)
    is_moving = draft.mission.state is MissionState.RUNNING
    what = "needs a person; the rest of it goes on" if is_moving else "is stuck"
    question = Question(id=draft.next_id("help", cause, draft.now.isoformat()), causes=causes)
    draft.send(
        Message(
            id=question.id,
            to=CONDUCTOR,
            sender=DISPATCHER,
            kind=MessageKind.QUERY,
            text=f"Mission {run} {what}: {cause}\n{_answers(draft, causes)}",
            sent_at=draft.now,
            is_urgent=is_first,
            mission_id=draft.mission.id,
        )
    )
    draft.say("help.asked", f"asked the conductor for help: {cause}")
    return question


def _answers(draft: Draft, causes: tuple[str, ...]) -> str:
    """The commands that answer: a gate is opened by approving it, and by nothing else."""
    run = draft.mission.id[:8]
    gates = [i for i in draft.unfinished() if i.kind is WorkKind.MERGE_GATE and item_cause(i) in causes]
    answers = [f"tt mission approve {gate.typed} --run {run}" for gate in gates]
    if len(gates) < len(causes):
        answers.append(f'tt mission note {run} "resume …", "pause …" or "redirect ITEM to AGENT …"')
    return "Answer with: " + "; ".join(answers)
