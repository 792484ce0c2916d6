"""Reading on in the event stream from any id, without missing that events are gone."""

from __future__ import annotations

import pytest
from tests.integration.store.stores import NOW, Stores, make_message

from tinytown.domain.event import position
from tinytown.store.codec import at_text
from tinytown.store.events import EventStream


@pytest.fixture
def stream(town: Stores) -> EventStream:
    return EventStream(town.connection, town.keys, after="0-0")


def add(town: Stores, *ids: str) -> None:
    for one in ids:
        town.connection.execute("XADD", town.keys("events"), one, "type", "test.said", "at", at_text(NOW), "text", one)


def seen(stream: EventStream, after: str, limit: int = 100) -> tuple[list[str], str | None]:
    page = stream.since(after, limit)
    return [event.id for event in page.events], page.first_kept


def test_events_since_an_id_are_those_after_it(town: Stores, stream: EventStream) -> None:
    add(town, "5-0", "5-1", "7-0")
    assert seen(stream, "5-0") == (["5-1", "7-0"], None)
    assert seen(stream, "5-0", limit=1) == (["5-1"], None)
    assert seen(stream, "7-0") == ([], None)


def test_an_id_that_never_was_is_a_place_between_others(town: Stores, stream: EventStream) -> None:
    add(town, "5-0", "7-0")
    assert seen(stream, "0-0") == (["5-0", "7-0"], None)
    assert seen(stream, "6-3", limit=1) == (["7-0"], None)


def test_events_that_were_dropped_are_told_of_with_the_oldest_that_is_left(town: Stores, stream: EventStream) -> None:
    add(town, "5-0", "6-0", "7-0", "8-0")
    town.connection.execute("XTRIM", town.keys("events"), "MAXLEN", 2)
    assert seen(stream, "5-0") == (["7-0", "8-0"], "7-0")
    assert seen(stream, "0-0", limit=1) == (["7-0"], "7-0")
    assert seen(stream, "7-0") == (["8-0"], None)
    assert seen(stream, "7-5") == (["8-0"], None)


def test_an_id_from_the_future_is_not_of_this_stream(town: Stores, stream: EventStream) -> None:
    assert seen(stream, "0-0") == ([], None)
    assert seen(stream, "5-0") == ([], "0-0")
    add(town, "5-0")
    assert seen(stream, "9-0") == ([], "5-0")


def test_newest_events_come_first_however_many_pages_they_are(town: Stores, stream: EventStream) -> None:
    add(town, *(f"{number}-0" for number in range(1, 8)))
    assert [event.id for event in stream.newest(page=3)] == [f"{number}-0" for number in range(7, 0, -1)]


def test_reading_back_leaves_the_position(town: Stores) -> None:
    agent = town.agent("a")
    stream = EventStream(town.connection, town.keys)
    before = stream.after
    town.inbox.send(make_message(agent))
    assert list(stream.newest())
    assert stream.since(before, 10).events
    assert stream.after == before
    (event,) = stream.wait(0)
    assert position(event.id) > position(before)
