"""Events as frames of a stream, and the window that readers share."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from tinytown.domain.event import Event, event_id
from tinytown.townhall.sse import GAP, frame, gap, mark, opening
from tinytown.townhall.window import Entry, Window

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def event(number: int = 5, text: str = "", **fields: str) -> Event:
    return Event(**{"id": f"{number}-0", "at": AT, "type": "test.said", "text": text, **fields})  # type: ignore[arg-type]


def lines(made: bytes) -> list[str]:
    assert made.endswith(b"\n\n")
    return made.decode()[:-2].split("\n")


@pytest.mark.parametrize(
    "text", ["", "a\nb", "a\r\nb\r", "\n\nid: 9", "snow ☃ \u2028\u2029\x85", 'quote " \\ \x00 \x1b[31m']
)
def test_whatever_is_said_is_one_line(text: str) -> None:
    first, second, third = lines(frame(event(text=text), {}))
    assert (first, second) == ("id: 5-0", "event: test.said")
    assert "\r" not in third
    assert msgspec.json.decode(third.removeprefix("data: "))["text"] == text


def test_a_type_cannot_break_out_of_its_line() -> None:
    assert lines(frame(event(type="odd\ndata: 1\r"), {}))[1] == "event: odd?data: 1?"


def test_a_message_is_in_the_frame_as_it_is_when_asked_for() -> None:
    with_one, without = event(message='{"text": "☃"}'), event()
    assert msgspec.json.decode(lines(frame(with_one, {}, with_message=True))[2][6:])["message"] == {"text": "☃"}
    assert msgspec.json.decode(lines(frame(without, {}, with_message=True))[2][6:])["message"] is None
    assert "message" not in msgspec.json.decode(lines(frame(with_one, {}))[2][6:])


def test_what_is_no_event_of_the_town_has_no_data_or_no_id() -> None:
    assert lines(mark("5-0")) == ["id: 5-0"]
    assert lines(opening(2000)) == ["retry: 2000", ": events of the town"]
    named, data = lines(gap("1-0", "5-0"))
    assert named == f"event: {GAP}"
    told = msgspec.json.decode(data.removeprefix("data: "))
    assert (told["type"], told["after"], told["first_kept"]) == (GAP, "1-0", "5-0")


def after(window: Window, number: int, limit: int = 100) -> list[str] | None:
    found = window.after((number, 0), limit)
    return None if found is None else [event_id(entry.place) for entry in found]


def test_a_window_has_what_follows_a_place_until_it_has_left() -> None:
    window = Window((3, 0), size=3)
    assert after(window, 3) == []
    assert after(window, 2) is None
    window.add(Entry.of(event(number), b"") for number in (4, 6))
    assert (after(window, 3), after(window, 4), after(window, 5), after(window, 6)) == (
        ["4-0", "6-0"],
        ["6-0"],
        ["6-0"],
        [],
    )
    assert after(window, 3, limit=1) == ["4-0"]
    window.add(Entry.of(event(number), b"") for number in (7, 8, 9))
    assert (window.start, window.end) == ((6, 0), (9, 0))
    assert after(window, 5) is None
    assert after(window, 6) == ["7-0", "8-0", "9-0"]
    assert after(window, 99) == []
