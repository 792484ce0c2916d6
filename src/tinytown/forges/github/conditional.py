"""Conditional requests: what was read before is kept, and "not modified" costs nothing of the quota.

An entity tag is good for the very token it was given to. `Last-Modified` alone is never relied on: it does not change
with what GitHub works out later, such as whether a pull request can be merged.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from tinytown.forges.github.access import Credential
from tinytown.store.forge_answers import Answer, AnswerStore
from tinytown.store.forge_quota import token_keys
from tinytown.store.pool import ConnectionPool

T = TypeVar("T")


class Kept(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What was read from an answer before."""

    value: T
    etag: str
    next: str | None
    hidden: int = 0
    """As in `Pages`; such an answer is not kept."""


class Conditional:
    """Answers read before. Thread-safe."""

    def __init__(self, pool: ConnectionPool | None) -> None:
        """Keep answers in a store; with None nothing is kept."""
        self._pool = pool

    def close(self) -> None:
        """Close the connections to the store."""
        if self._pool is not None:
            self._pool.close()

    def find(self, credential: Credential, url: str, accept: str, type_: type[T]) -> Kept[T] | None:
        """What was read from that URL as that type; None when nothing was, or it cannot be read any more."""
        if self._pool is None:
            return None
        with self._pool.lend() as connection:
            keys = token_keys(credential.identity)
            answer = AnswerStore(connection).find(keys, _key(url, accept, type_), credential.mark)
        if answer is None:
            return None
        try:
            value = msgspec.json.decode(answer.body, type=type_)
        except msgspec.DecodeError:
            return None  # kept by another version of this program, or damaged: it is asked for anew
        return Kept(value=value, etag=answer.etag, next=answer.next or None)

    def keep(self, credential: Credential, url: str, accept: str, type_: type[T], kept: Kept[T]) -> None:
        """Keep what was read."""
        if self._pool is None:
            return
        body = msgspec.json.encode(kept.value).decode()
        answer = Answer(etag=kept.etag, body=body, next=kept.next or "")
        with self._pool.lend() as connection:
            keys = token_keys(credential.identity)
            AnswerStore(connection).keep(keys, _key(url, accept, type_), credential.mark, answer)

    def confirm(self, credential: Credential, url: str, accept: str, type_: type[T]) -> None:
        """What was read still holds."""
        if self._pool is None:
            return
        with self._pool.lend() as connection:
            AnswerStore(connection).confirm(token_keys(credential.identity), _key(url, accept, type_))


def _key(url: str, accept: str, type_: Any) -> str:
    """What an answer is known by. What is read from it counts too: another shape would miss what was left out."""
    text = "\n".join(("GET", url, accept, _shape(type_)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


@cache
def _shape(type_: Any) -> str:
    return repr(msgspec.json.schema(type_))
