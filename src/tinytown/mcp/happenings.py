"""Events of the town, as answers show them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from tinytown.bootstrap import Town
from tinytown.domain.event import Event
from tinytown.mcp.results import Happened
from tinytown.services.journal import seen

KEPT = 100
"""So many events of an answer, the last ones."""
_PAGE = 500


def happened(event: Event, names: Mapping[str, str]) -> Happened:
    """An event as it is shown.

    Args:
        event: what happened.
        names: of the agents, by id.
    """
    shown = seen(event, names)
    return Happened(
        id=shown.id,
        at=shown.at,
        type=shown.type,
        text=shown.text,
        mission_id=shown.mission_id,
        work_item_id=shown.item_id,
        agent=shown.agent_name,
        task_id=shown.task_id,
    )


def since(town: Town, after: str) -> list[Event]:
    """The last events behind the one of that id, oldest first; at most KEPT of them."""
    kept: deque[Event] = deque(maxlen=KEPT)
    while events := town.journal.since(after, _PAGE).events:
        kept.extend(events)
        after = events[-1].id
    return list(kept)
