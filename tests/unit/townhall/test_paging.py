"""Lists page by page."""

from __future__ import annotations

import asyncio
import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytown.domain.errors import InvalidInputError
from tinytown.townhall.paging import Paging, Place, paging


def _page(limit: int, cursor: str | None = None, *, of: str = "numbers") -> Paging:
    return asyncio.run(paging(of)(limit=limit, cursor=cursor))


def _key(number: int) -> Place:
    return (number,)


@given(st.sets(st.integers(-1000, 1000), max_size=40), st.integers(1, 10))
def test_pages_one_after_the_other_show_each_item_once_and_in_order(numbers: set[int], limit: int) -> None:
    seen: list[int] = []
    cursor = None
    while True:
        shown, cursor = _page(limit, cursor).cut(numbers, key=_key)
        assert len(shown) <= limit
        seen += shown
        if cursor is None:
            break
        assert len(shown) == limit
    assert seen == sorted(numbers)


def test_a_page_that_holds_the_rest_is_the_last() -> None:
    assert _page(3).cut([3, 1, 2], key=_key) == ([1, 2, 3], None)


def test_what_was_removed_meanwhile_does_not_lose_the_place() -> None:
    _, cursor = _page(2).cut([1, 2, 3, 4], key=_key)
    assert _page(2, cursor).cut([1, 4], key=_key) == ([4], None)


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "AAAA", "bnVsbA", "\ud800", "W10", base64.b64encode(b'["numbers",[]]').decode()]
)
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInputError, match="next_cursor"):
        _page(2, cursor)


def test_a_cursor_of_another_list_is_refused() -> None:
    _, cursor = _page(1, of="letters").cut([1, 2], key=_key)
    with pytest.raises(InvalidInputError, match="next_cursor"):
        _page(1, cursor)


def test_a_cursor_whose_place_is_of_another_kind_is_refused() -> None:
    cursor = Paging(of="numbers", limit=1).cursor_at(("one",))
    with pytest.raises(InvalidInputError, match="next_cursor"):
        _page(1, cursor).cut([1, 2], key=_key)
