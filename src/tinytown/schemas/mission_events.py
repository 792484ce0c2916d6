"""The log of a mission."""

from __future__ import annotations

from datetime import UTC, datetime

from tinytown.domain.mission import MissionEvent
from tinytown.schemas.base import Answer, ContractAnswer
from tinytown.schemas.mission_parts import Uuid


class EventEntry(Answer):
    """One entry of a mission's log."""

    at: datetime
    type: str
    text: str
    work_item_id: Uuid | None
    agent_id: Uuid | None
    task_id: Uuid | None

    @classmethod
    def of(cls, event: MissionEvent) -> EventEntry:
        """The entry."""
        return cls(
            at=event.at,
            type=event.type,
            text=event.text,
            work_item_id=event.item_id,
            agent_id=event.agent_id,
            task_id=event.task_id,
        )


class MissionEventList(ContractAnswer):
    """The last entries of a mission's log, oldest first."""

    mission_id: Uuid
    events: list[str]
    """Each with its time."""
    count: int
    entries: list[EventEntry]
    """The same, field by field."""


def line_of(event: MissionEvent) -> str:
    """An entry as one line with its time."""
    return f"{event.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {event.text}"
