"""The part of the audit that is in the town's events."""

from __future__ import annotations

from datetime import datetime

from tinytown.store.codec import at_text
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load


def tell_of_change(connection: Connection, keys: Keys, kind: str, text: str, at: datetime) -> None:
    """Add an event. StoreUnavailableError: no answer; it may have been added.

    Args:
        connection: to the town's store.
        keys: the town's.
        kind: what follows `audit.` in the event's type.
        text: one line for people.
        at: when it was.
    """
    args = {"type": f"audit.{kind}", "at": at_text(at), "text": text}
    connection.run(load("note_audit"), keys.prefix, args)
