"""Lists page by page: `limit` says how many, `cursor` where the last page ended.

Page = Annotated[Paging, Depends(paging("agents"))]
shown, next_cursor = page.cut(agents, key=lambda agent: (agent.name, agent.id))
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Coroutine, Iterable
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from fastapi import Query

from tinytown.domain.errors import InvalidInputError
from tinytown.townhall.parameters import WHOLE

T = TypeVar("T")

MAX_LIMIT = 1000
MAX_CURSOR = 1024
Place: TypeAlias = tuple[str | int, ...]
"""Where an item stands in its list: what the list is ordered by, unique."""

_decoder = msgspec.json.Decoder(tuple[str, Place])

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many items."), WHOLE]
Cursor = Annotated[
    str | None, Query(max_length=MAX_CURSOR, description="Where to go on: `next_cursor` of the answer before.")
]


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list is asked for."""

    of: str
    """The name of the list; a cursor is good for one list."""
    limit: int
    after: Place | None = None
    """Where the page before ended; None: from the beginning."""

    def cut(self, items: Iterable[T], *, key: Callable[[T], Place]) -> tuple[list[T], str | None]:
        """The page of a whole list, and the cursor of the next one, None at the end.

        Args:
            items: in any order; the page is in that of `key`.
            key: an item's place. All of one list are alike in kind, and no two are the same.
        """
        placed = sorted((key(item), index, item) for index, item in enumerate(items))
        left = [(place, item) for place, _, item in placed if self._is_due(place)]
        shown = left[: self.limit]
        is_last = len(left) <= self.limit
        return [item for _, item in shown], None if is_last else self.cursor_at(shown[-1][0])

    def cursor_at(self, place: Place) -> str:
        """The cursor of the page that comes after the item at that place."""
        packed = msgspec.json.encode((self.of, place))
        return urlsafe_b64encode(packed).decode().rstrip("=")

    def _is_due(self, place: Place) -> bool:
        if self.after is None:
            return True
        if [type(part) for part in place] != [type(part) for part in self.after]:
            raise not_ours()
        return place > self.after


def paging(of: str, *, default: int = MAX_LIMIT) -> Callable[..., Coroutine[Any, Any, Paging]]:
    """A dependency of a route that reads `limit` and `cursor`.

    Args:
        of: the name of the list, the same for each of its pages.
        default: how many items are shown when nothing is said.
    """

    async def read(limit: Limit = default, cursor: Cursor = None) -> Paging:
        return Paging(of=of, limit=limit, after=None if cursor is None else _place(of, cursor))

    return read


def not_ours() -> InvalidInputError:
    """The error of a cursor that belongs to another list, or was made up."""
    return InvalidInputError(
        "the cursor is none of this list; take it from next_cursor of the answer before, or leave it out",
        field="query.cursor",
    )


def _place(of: str, cursor: str) -> Place:
    try:
        packed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        list_name, place = _decoder.decode(packed)
    except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise not_ours() from error
    if list_name != of or not place:
        raise not_ours()
    return place
