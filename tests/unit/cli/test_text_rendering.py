"""Columns, lengths of time, and text from outside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tinytown.cli.render.text import columns, count, cut, plain, span


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert columns([("a", "bcd", "e"), ("fg", "h", "")], indent="> ") == ["> a   bcd  e", "> fg  h"]


def test_wide_characters_take_two_columns() -> None:
    assert columns([("🔨", "x"), ("ab", "y"), ("日本", "z")]) == ["🔨    x", "ab    y", "日本  z"]


def test_no_rows_are_no_lines() -> None:
    assert columns([]) == []


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\nb", "a\rb", "a\x9bb", "a\u202eb"])
def test_text_from_outside_cannot_steer_the_terminal(text: str) -> None:
    assert plain(text) == text[0] + " " + plain(text[2:])
    assert plain(text).isprintable()


def test_long_text_is_cut_with_a_mark() -> None:
    assert (cut("12345", 5), cut("123456", 5)) == ("12345", "1234…")


@pytest.mark.parametrize(
    ("secs", "text"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (3600, "1 h 0 min"), (90061, "1 d 1 h")],
)
def test_lengths_of_time_are_told_in_their_two_largest_units(secs: float, text: str) -> None:
    assert span(timedelta(seconds=secs)) == text


def test_one_is_singular() -> None:
    assert (count(0, "item"), count(1, "item"), count(2, "item")) == ("0 items", "1 item", "2 items")
