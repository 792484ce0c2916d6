"""Answers of the GraphQL interface: errors come with status 200, beside whatever could be found out.

https://docs.github.com/en/graphql/guides/using-graphql-clients
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError, TinytownError
from tinytown.forges.github.failures import SECONDARY_SECS, Limited, limited, quota_failure
from tinytown.forges.github.reading import read
from tinytown.forges.github.transport import Reply

T = TypeVar("T")

_WHAT = "a GraphQL query"
_SHOWN_CHARS = 300
_LIMITED = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
_PASSING = ("something went wrong while executing your query", "timedout", "timeout", "loading")


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    type: str = ""
    extensions: Mapping[str, Any] = {}

    @property
    def kind(self) -> str:
        return self.type or str(self.extensions.get("code") or self.extensions.get("type") or "")


class _Answer(msgspec.Struct, frozen=True):
    data: Any = None
    errors: tuple[_Error, ...] = ()
    message: str = ""


def read_answer(reply: Reply, type_: type[T], now: datetime) -> T:
    """The data of an answer.

    Raises:
        QuotaError: too much was asked. NotFoundError: something asked for is not there. ForgeUnavailableError: GitHub
            failed. ForgeError: anything else that its errors say; the evidence has their `kinds`.
    """
    answer = read(reply, _Answer, _WHAT)
    if answer.errors:
        raise _failure(reply, answer.errors, now)
    if answer.data is None:
        raise ForgeUnavailableError(f"GitHub answered {_WHAT} with nothing; it is tried again")
    try:
        return msgspec.convert(answer.data, type_)
    except msgspec.ValidationError as error:
        raise ForgeError(f"GitHub answered {_WHAT} in a shape that is not known here: {error}") from error


def _failure(reply: Reply, errors: tuple[_Error, ...], now: datetime) -> TinytownError:
    kinds = tuple(dict.fromkeys(error.kind for error in errors))
    text = " ".join("; ".join(dict.fromkeys(error.message for error in errors)).split())[:_SHOWN_CHARS]
    if _LIMITED & set(kinds):
        told = limited(msgspec.structs.replace(reply, status=403), now)
        return quota_failure(told or Limited(until=now + timedelta(seconds=SECONDARY_SECS), is_secondary=False))
    if "NOT_FOUND" in kinds:
        return NotFoundError(f"GitHub has not found what was asked for: {text}", kinds=kinds)
    if any(words in text.lower() for words in _PASSING):
        return ForgeUnavailableError(f"GitHub cannot answer just now: {text}; it is tried again", kinds=kinds)
    return ForgeError(f"GitHub refused {_WHAT}: {text}", kinds=kinds)
