"""What a forge answered, kept for when it says that nothing has changed since."""

from __future__ import annotations

import msgspec

from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

KEPT_SECS = 24 * 3600
LONGEST_BODY = 512 * 1024
"""Longer ones are not kept: they are asked for anew."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, as far as it was of use."""

    etag: str
    body: str
    """JSON of what was read from it."""
    next: str = ""
    """URL of the page after this one."""


class AnswerStore:
    """Answers by what was asked, shared by all processes that use a token."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, keys: Keys, key: str, token: str) -> Answer | None:
        """The answer to what is known by `key`, when it was given to that very token."""
        names = ("etag", "body", "next", "token")
        etag, body, next_url, owner = self._connection.execute("HMGET", keys("seen", key), *names)
        if etag is None or body is None or owner != token.encode():
            return None
        return Answer(etag=etag.decode(), body=body.decode(), next=(next_url or b"").decode())

    def keep(self, keys: Keys, key: str, token: str, answer: Answer) -> None:
        """Keep an answer for a day, in place of the one before."""
        if len(answer.body) > LONGEST_BODY:
            return
        fields = {"etag": answer.etag, "body": answer.body, "next": answer.next, "token": token}
        args = {"id": key, "ttl": KEPT_SECS, "fields": fields}
        self._connection.run(load("keep_answer"), keys.prefix, args, may_repeat=True)

    def confirm(self, keys: Keys, key: str) -> None:
        """The answer still holds: it is kept for another day."""
        self._connection.execute("EXPIRE", keys("seen", key), KEPT_SECS)
