"""Inboxes: messages wait there, urgent ones first, until the outcome of the run that has them is stored."""

from __future__ import annotations

from collections.abc import Sequence

from tinytown.domain.message import STARTS_A_RUN, Message
from tinytown.store.codec import at_text, decode, encode
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load


class Inbox:
    """The inboxes of one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def send(self, message: Message) -> None:
        """Put a message into its receiver's inbox. NotFoundError when there is no such agent."""
        args = {
            "to": message.to,
            "id": message.id,
            "message": encode(message),
            "urgent": message.is_urgent,
            "sender": message.sender,
            "at": at_text(message.sent_at),
        }
        self._connection.run(load("send_message"), self._keys.prefix, args)

    def waiting(self, owner: str) -> list[Message]:
        """The messages in an inbox, in the order in which they are handed over; nothing is removed."""
        ids = self._connection.execute("ZRANGE", self._keys("inbox", owner), 0, -1)
        if not ids:
            return []
        found = self._connection.execute("HMGET", self._keys("inbox", owner, "messages"), *ids)
        return [decode(data, Message) for data in found if data is not None]

    def starter(self, owner: str, run_id: str) -> Message | None:
        """The message that the agent's run was started for; it is there until the run's outcome is stored."""
        flat = self._connection.execute("HGETALL", self._keys("inbox", owner, "claimed"))
        claimed = [message for message, run in zip(flat[::2], flat[1::2], strict=True) if run.decode() == run_id]
        if not claimed:
            return None
        found = self._connection.execute("HMGET", self._keys("inbox", owner, "messages"), *claimed)
        messages = [decode(data, Message) for data in found if data is not None]
        return next((message for message in messages if message.kind in STARTS_A_RUN), None)

    def take(self, owner: str, ids: Sequence[str] | None = None) -> list[Message]:
        """Read and remove what is in the inbox of somebody who is not an agent: these messages, or all."""
        args = {"to": owner} if ids is None else {"to": owner, "ids": list(ids)}
        found = self._connection.run(load("take_messages"), self._keys.prefix, args)
        return [decode(data, Message) for data in found]
