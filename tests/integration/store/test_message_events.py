"""The event of a message brings the message itself, so that who follows the events need not ask for it."""

from __future__ import annotations

import pytest
from tests.integration.store.stores import Stores, make_message

from tinytown.domain.message import Message
from tinytown.store.codec import decode


def _brought(town: Stores) -> list[Message | None]:
    events = [event for event in town.history() if event.type == "message.sent"]
    return [None if event.message is None else decode(event.message.encode(), Message) for event in events]


@pytest.mark.parametrize("text", ["short", "snowman ☃ and ~~~ 'quotes' \" \\ \n", "x" * 3000])
def test_a_small_message_is_in_its_event(town: Stores, text: str) -> None:
    message = make_message(town.agent("a"), text=text)

    town.inbox.send(message)

    assert _brought(town) == [message]


def test_a_large_message_is_not_in_its_event_but_in_the_inbox(town: Stores) -> None:
    agent = town.agent("a")
    message = make_message(agent, text="x" * 5000)

    town.inbox.send(message)

    assert _brought(town) == [None]
    assert town.inbox.waiting(agent) == [message]
