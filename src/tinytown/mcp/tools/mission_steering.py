"""Missions: what people decide about them, and moving them on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tinytown.bootstrap import Town
from tinytown.domain.access import Scope
from tinytown.domain.errors import ConflictError
from tinytown.domain.mission import MissionState
from tinytown.mcp.arguments import ItemName, MissionId, Words
from tinytown.mcp.happenings import happened, since
from tinytown.mcp.results import Dispatched, MissionInput
from tinytown.mcp.tool import Effect, Spec
from tinytown.schemas.base import OptionalText
from tinytown.schemas.mission_work import WorkItem
from tinytown.schemas.missions import MissionActionResponse, MissionNote
from tinytown.services.missions import Answered, Moved

DISPATCH_SECS = 300.0
"""A look at every mission may push, merge and ask a forge much."""


def approve(
    town: Town,
    mission: MissionId,
    item: ItemName,
    comment: Annotated[OptionalText, Field(description="What you looked at, and why it is good.")] = "",
) -> WorkItem:
    """Accept an item as it is: satisfies its review, opens a gate, or finishes what has no branch. Look at it before."""
    return WorkItem.of(town.missions.approve(town.missions.find(mission), item, comment))


def reject(
    town: Town,
    mission: MissionId,
    item: ItemName,
    reason: Annotated[Words, Field(description="What is to be changed; its agent is told nothing else.")],
) -> WorkItem:
    """Send an item back; its agent is asked to mend it, and told the reason."""
    return WorkItem.of(town.missions.reject(town.missions.find(mission), item, reason))


def merge(town: Town, mission: MissionId, item: ItemName) -> WorkItem:
    """Have an item merged that is done and not merged, in a mission without `auto_merge`; a dispatcher, or
    mission.dispatch, does it and looks at every condition anew before.
    """
    return WorkItem.of(town.missions.merge(town.missions.find(mission), item))


def pause(town: Town, mission: MissionId) -> MissionActionResponse:
    """Start nothing new of a mission; runs under way may finish. mission.resume goes on."""
    return _stopped(town, town.missions.find(mission), is_forced=False)


def stop(
    town: Town,
    mission: MissionId,
    force: Annotated[bool, Field(description="Also take back what agents are at.")] = False,  # noqa: FBT002  an argument by name
) -> MissionActionResponse:
    """Stop a mission: nothing new of it is started, and with force what agents are at is taken back. mission.resume goes
    on with it. Stopping what has ended is no error.
    """
    return _stopped(town, town.missions.find(mission), is_forced=force)


def resume(town: Town, mission: MissionId) -> MissionActionResponse:
    """Go on with a mission that was stopped or is blocked, and try again what was held for a person."""
    mission_id = town.missions.find(mission)
    return _moved(mission_id, "resumed", town.missions.resume(mission_id))


def note(
    town: Town,
    mission: MissionId,
    text: Annotated[
        Words, Field(description="`resume`, `pause`, `redirect ITEM to AGENT`, or whatever its agents should know.")
    ],
) -> MissionNote:
    """Say something to a mission: carried out when it is a directive, else handed to the agents with their next prompt."""
    mission_id = town.missions.find(mission)
    return MissionNote(mission_id=mission_id, status=town.missions.note(mission_id, text))


def give_input(
    town: Town,
    mission: MissionId,
    text: Annotated[Words, Field(description="The answer, or what the mission was waiting to be told.")],
    resume: Annotated[  # noqa: FBT002  as above
        bool, Field(description="Then go on, and try again what is held for a person.")
    ] = True,
) -> MissionInput:
    """Answer what a mission asked: its agents get the text with their next prompt, and what was held or blocked is tried
    again. What it asked is in agent.inbox of `conductor` and in mission.why. To answer one agent, use message.send.
    """
    mission_id = town.missions.find(mission)
    if resume:
        answered = town.missions.answer(mission_id, text)
    else:
        before = _state(town, mission_id)
        kept = town.missions.note(mission_id, text)
        answered = Answered(before=before, after=_state(town, mission_id), note=kept, is_resumed=False)
    return MissionInput(
        mission_id=mission_id,
        status="answered",
        note=answered.note,
        is_resumed=answered.is_resumed,
        previous_state=answered.before,
        new_state=answered.after,
    )


def dispatch(town: Town) -> Dispatched:
    """Look at every mission that has not ended, once and now: give out work, look at pull requests, merge what may be
    merged. Needed only where no dispatcher runs (`is_dispatching` of town.get_status), and then again and again: after
    each agent.wait, until mission.status says that the mission has ended. It tells what happened.
    """
    before = town.journal.recent(1).position
    due = town.dispatch_once()
    names = town.journal.names()
    shown = [happened(event, names) for event in since(town, before)]
    return Dispatched(missions=list(dict.fromkeys((*due.active, *due.missions))), events=shown, next_due_at=due.next_at)


def _stopped(town: Town, mission_id: str, *, is_forced: bool) -> MissionActionResponse:
    try:
        return _moved(mission_id, "stopped", town.missions.stop(mission_id, is_forced=is_forced))
    except ConflictError:
        found = town.mission_looks.one(mission_id)[0].mission
        if found.is_active:
            raise
        return _moved(mission_id, "ended", Moved(before=found.state, after=found.state))


def _moved(mission_id: str, status: str, moved: Moved) -> MissionActionResponse:
    return MissionActionResponse(
        mission_id=mission_id, status=status, previous_state=moved.before, new_state=moved.after
    )


def _state(town: Town, mission_id: str) -> MissionState:
    return town.mission_looks.one(mission_id)[0].mission.state


_WRITE = Scope.TOWN_WRITE

TOOLS = (
    Spec(
        name="mission.approve", title="Approve an item", does=approve, scope=_WRITE, effect=Effect.SETS, has_texts=True
    ),
    Spec(name="mission.reject", title="Reject an item", does=reject, scope=_WRITE, effect=Effect.ADDS, has_texts=True),
    Spec(name="mission.merge", title="Merge an item", does=merge, scope=_WRITE, effect=Effect.SETS, has_texts=True),
    Spec(name="mission.pause", title="Pause a mission", does=pause, scope=_WRITE, effect=Effect.SETS),
    Spec(name="mission.resume", title="Resume a mission", does=resume, scope=_WRITE, effect=Effect.SETS),
    Spec(name="mission.stop", title="Stop a mission", does=stop, scope=_WRITE, effect=Effect.STOPS),
    Spec(name="mission.note", title="Say something to a mission", does=note, scope=_WRITE, effect=Effect.ADDS),
    Spec(name="mission.input", title="Answer a mission", does=give_input, scope=_WRITE, effect=Effect.ADDS),
    Spec(
        name="mission.dispatch",
        title="Move missions on",
        does=dispatch,
        scope=_WRITE,
        effect=Effect.ADDS,
        is_open=True,
        has_texts=True,
        limit_secs=DISPATCH_SECS,
    ),
)
