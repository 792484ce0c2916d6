"""Answers to requests that were sent under a key, kept for whoever sends them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

KEPT_SECS = 24 * 3600


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a request."""

    id: str
    """Of who sends it and under which key; the same for each try."""
    fingerprint: str
    """Of what is asked for."""
    token: str
    """Of this try alone."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it was sent."""

    status: int
    headers: dict[str, str]
    body: bytes


Claim: TypeAlias = Literal["claimed", "other", "busy"] | Reply
"""`claimed`: carry it out; `other`: the key is another request's; `busy`: it is being carried out."""


class ReplyStore:
    """The answers of one town's servers."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def claim(self, attempt: Attempt, *, busy_ms: int) -> Claim:
        """Whether this try may carry the request out, or what became of it.

        Args:
            attempt: the try.
            busy_ms: how long others wait for it, should it never end.
        """
        args = {**msgspec.structs.asdict(attempt), "busy_ms": busy_ms}
        found = self._connection.run(load("claim_request"), self._keys.prefix, args, may_repeat=True)
        match [part.decode() for part in found]:
            case ["claimed"]:
                return "claimed"
            case ["other"]:
                return "other"
            case ["busy"]:
                return "busy"
            case [_, status, headers, body]:
                kept = msgspec.json.decode(headers, type=dict[str, str])
                return Reply(status=int(status), headers=kept, body=body.encode("latin-1"))
            case other:
                raise AssertionError(other)

    def keep(self, attempt: Attempt, reply: Reply) -> None:
        """Keep the answer for a day, unless the claim is void by now."""
        said = {
            "status": reply.status,
            "headers": msgspec.json.encode(reply.headers).decode(),
            "body": reply.body.decode("latin-1"),
            "keep_secs": KEPT_SECS,
        }
        self._end(attempt, said)

    def free(self, attempt: Attempt) -> None:
        """Let the request be carried out again."""
        self._end(attempt, {})

    def _end(self, attempt: Attempt, said: Mapping[str, object]) -> None:
        args = {"id": attempt.id, "token": attempt.token, **said}
        self._connection.run(load("keep_reply"), self._keys.prefix, args, may_repeat=True)
