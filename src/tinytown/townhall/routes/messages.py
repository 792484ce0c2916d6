"""Messages and inboxes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from tinytown.bootstrap import Town
from tinytown.domain.ids import CONDUCTOR, RESERVED_NAMES
from tinytown.domain.message import Message, MessageKind
from tinytown.schemas.messages import InboxMessage, InboxResponse, SendMessageRequest, SendMessageResponse
from tinytown.store.codec import to_ms
from tinytown.townhall.context import READ, WRITE, LentTown
from tinytown.townhall.paging import Paging, Place, paging
from tinytown.townhall.parameters import AgentPath

router = APIRouter(prefix="/v1", tags=["Messages"])
Page = Annotated[Paging, Depends(paging("inbox"))]


@router.post(
    "/messages/send", summary="Send a message", operation_id="sendMessage", status_code=201, dependencies=[WRITE]
)
def send(town: LentTown, body: SendMessageRequest) -> SendMessageResponse:
    """Send a message to an agent or to the conductor."""
    kind = MessageKind(body.kind)
    message = town.messages.send(body.to, body.message, kind, is_urgent=body.urgent, sender=body.sender)
    town.ensure_host()
    return SendMessageResponse(message_id=message.id, to_agent=_name(town, message.to), urgent=message.is_urgent)


@router.get("/agents/{agent}/inbox", summary="Get agent inbox", operation_id="getInboxGet", dependencies=[READ])
def inbox(town: LentTown, agent: AgentPath, page: Page) -> InboxResponse:
    """What waits in an inbox, also the conductor's; nothing is removed."""
    return _inbox(town, agent, page)


@router.post("/agents/{agent}/inbox", summary="Get agent inbox", operation_id="getInboxPost", dependencies=[READ])
def inbox_again(town: LentTown, agent: AgentPath, page: Page) -> InboxResponse:
    """The same as by GET."""
    return _inbox(town, agent, page)


def _inbox(town: Town, agent: str, page: Paging) -> InboxResponse:
    owner = CONDUCTOR if agent.lower() in RESERVED_NAMES else town.agents.find(agent).name
    found = town.messages.waiting(owner)
    shown, next_cursor = page.cut(found, key=_place_of)
    return InboxResponse(
        agent=owner,
        total=len(found),
        urgent=sum(message.is_urgent for message in found),
        messages=[InboxMessage.of(message) for message in shown],
        next_cursor=next_cursor,
    )


def _place_of(message: Message) -> Place:
    return (int(not message.is_urgent), to_ms(message.sent_at), message.id)


def _name(town: Town, owner: str) -> str:
    return CONDUCTOR if owner == CONDUCTOR else town.agents.find(owner).name
