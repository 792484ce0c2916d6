"""Keeping each issue's status comment true; that it cannot be written holds nothing up."""

from __future__ import annotations

from datetime import timedelta

from tinytown.domain.mission import MissionState
from tinytown.domain.workitem import WorkItem, WorkStatus
from tinytown.planner.draft import Draft
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.sources import closes
from tinytown.planner.status_note import MARKER, digest, text_of
from tinytown.planner.wants import Outcome, Refused, Tell, Told

NO_TIME, PAUSE = timedelta(0), timedelta(seconds=15)
"""Between two changes of one comment, unless the work is over: forges bear few changes, and people read few."""
AGAIN = timedelta(minutes=5)
"""When it is tried again after a refusal."""
UNTELLABLE = "-"
"""In the place of a digest: the comment cannot be written (the issue is locked, or gone), and that was said."""
UNSURE = "?"
"""In the place of a digest: a refusal may have come after the comment was written."""
_NOT_BEGUN = frozenset({WorkStatus.PENDING, WorkStatus.READY})


def tell(draft: Draft) -> None:
    """Want each comment that does not say what is so; the first one when somebody begins the work."""
    for item in draft.items.values() if draft.mission.traits.has_status else ():
        if (text := _news(draft, item)) is None:
            continue
        at = item.tell_at or draft.now
        if at > draft.now + (PAUSE if item.is_done else NO_TIME):
            draft.wake(at)
            continue
        for ref in closes(draft, item):
            draft.want(Tell(item_id=item.id, ref=ref, marker=MARKER, text=text))


def is_owed(snapshot: Snapshot) -> bool:
    """Whether a mission that is over still has something to say."""
    draft = Draft(snapshot, snapshot.mission.updated_at)
    if not draft.mission.traits.has_status or draft.mission.state is not MissionState.COMPLETED:
        return False
    return any(closes(draft, item) and _news(draft, item) is not None for item in draft.items.values())


def _news(draft: Draft, item: WorkItem) -> str | None:
    """What the comment should say and does not."""
    if item.told == UNTELLABLE or (not item.told and (item.status in _NOT_BEGUN or _was_closed(item))):
        return None
    text = text_of(draft, item)
    return text if digest(text) != item.told else None


def _was_closed(item: WorkItem) -> bool:
    """Whether its issue was closed before anybody here did anything."""
    return item.is_done and item.tasks_given == 0


def told(draft: Draft, outcome: Outcome, want: Tell) -> None:
    """Take in whether a comment was written."""
    item = draft.items.get(want.item_id)
    if item is None:
        return
    match outcome.found:
        case Told():
            _remember(draft, item, told=digest(want.text), tell_at=draft.now + PAUSE)
        case Refused(not_before=at) if at is not None:
            _remember(draft, item, told=UNSURE, tell_at=max(at, draft.now + 2 * PAUSE))
        case Refused(is_temporary=True):
            _remember(draft, item, told=UNSURE, tell_at=draft.now + AGAIN)
        case Refused(reason=reason):
            _remember(draft, item, told=UNTELLABLE)
            draft.say("status.refused", f"the status comment of {item.key} cannot be written: {reason}", item=item.id)
        case _:
            pass


def forgive(draft: Draft) -> None:
    """A person may have mended what kept comments from being written: they are tried again."""
    for item in draft.items.values():
        if item.told == UNTELLABLE:
            _remember(draft, item, told="", tell_at=None)


def _remember(draft: Draft, item: WorkItem, **changes: object) -> None:
    draft.put(item.id, **changes, updated_at=item.updated_at)  # to tell of it is not to move it on
