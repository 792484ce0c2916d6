"""Messages and inboxes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field

from tinytown.domain.message import Message
from tinytown.schemas.base import LEFT_OUT, ContractAnswer, Line, Request, Text, cut

KindName: TypeAlias = Literal["task", "query", "info", "ack"]
SUMMARY_SHOWN = 200
TEXT_SHOWN = 4000
"""Characters of a message in an inbox."""


class SendMessageRequest(Request):
    """A message."""

    to: Line
    message: Text
    sender: Annotated[Line | None, LEFT_OUT] = Field(
        None, alias="from", description="An agent's name or id, `supervisor` or `conductor`; by default the supervisor."
    )
    kind: KindName = "task"
    urgent: bool = False


class SendMessageResponse(ContractAnswer):
    """A message that was sent."""

    message_id: str
    to_agent: str
    urgent: bool


class InboxMessage(ContractAnswer):
    """One message."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)

    id: str
    sender: str = Field(alias="from")
    type: str
    summary: str = Field(description="Its first line.")
    text: str = Field(description=f"Its first {TEXT_SHOWN} characters.")
    urgent: bool
    sent_at: datetime
    task_id: str | None
    mission_id: str | None

    @classmethod
    def of(cls, message: Message) -> InboxMessage:
        """The message as it waits."""
        fields = {
            "id": message.id,
            "from": message.sender,
            "type": message.kind.value,
            "summary": cut(next(iter(message.text.strip().splitlines()), ""), SUMMARY_SHOWN),
            "text": cut(message.text, TEXT_SHOWN),
            "urgent": message.is_urgent,
            "sent_at": message.sent_at,
            "task_id": message.task_id,
            "mission_id": message.mission_id,
        }
        return cls.model_validate(fields)


class InboxResponse(ContractAnswer):
    """What waits in an inbox."""

    agent: str
    total: int = Field(description="Of the whole inbox.")
    urgent: int = Field(description="Of the whole inbox.")
    messages: list[InboxMessage] = Field(description="Urgent ones first, then the oldest.")
    next_cursor: str | None = None
