"""Messages in somebody else's name: a person may, an agent may not."""

from __future__ import annotations

import pytest
from tests.integration.store.stores import NOW, Stores

from tinytown.domain.errors import NotAllowedError, NotFoundError
from tinytown.services.caller import Caller
from tinytown.services.messages import Messages

PERSON = Caller()


def _messages(town: Stores, caller: Caller) -> Messages:
    return Messages(town.inbox, town.agents, caller, lambda: NOW, lambda text: text)


@pytest.mark.parametrize(
    ("sender", "shown"),
    [(None, "supervisor"), ("SUPERVISOR", "supervisor"), ("conductor", "conductor"), ("Front", "front")],
)
def test_a_person_sends_for_anybody(town: Stores, sender: str | None, shown: str) -> None:
    town.agent("front")
    backend = town.agent("backend")
    _messages(town, PERSON).send("backend", "hi", sender=sender)
    assert [message.sender for message in town.inbox.waiting(backend)] == [shown]


def test_an_agent_sends_in_its_own_name_only(town: Stores) -> None:
    front, backend = town.agent("front"), town.agent("backend")
    messages = _messages(town, Caller(agent_id=front))
    for sender in ("backend", "conductor"):
        with pytest.raises(NotAllowedError, match="own name"):
            messages.send("backend", "hi", sender=sender)
    assert town.inbox.waiting(backend) == []
    messages.send("backend", "hi", sender=front)
    assert [message.sender for message in town.inbox.waiting(backend)] == ["front"]


def test_nobody_sends_for_an_agent_that_is_not_there(town: Stores) -> None:
    town.agent("backend")
    with pytest.raises(NotFoundError):
        _messages(town, PERSON).send("backend", "hi", sender="nobody")
