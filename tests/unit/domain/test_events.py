"""Positions in the event stream, and which events somebody wants."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.event import EVERYTHING, Event, EventFilter, event_id, position

EVENT = Event(id="5-0", at=datetime(2026, 1, 5, tzinfo=UTC), type="task.completed", mission_id="m", agent_id="a")


def test_positions_are_in_the_order_of_the_stream() -> None:
    ids = ["9-0", "10-2", "10-11", "18446744073709551615-18446744073709551615"]
    assert sorted([ids[2], ids[0], ids[3], ids[1]], key=position) == ids
    assert [event_id(position(one)) for one in ids] == ids


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "5",
        "5-",
        "-5",
        "a-b",
        "5-0 ",
        "5-0\n",
        "\u0665-\u0660",
        "+5-0",
        "$",
        "18446744073709551616-0",
        "1-" + "9" * 30,
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not the id of an event"):
        position(text)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (EVERYTHING, True),
        (EventFilter(mission_id="m"), True),
        (EventFilter(mission_id="other"), False),
        (EventFilter(agent_id="a"), True),
        (EventFilter(agent_id="other"), False),
        (EventFilter(type_prefix="task."), True),
        (EventFilter(type_prefix="task.completed"), True),
        (EventFilter(type_prefix="agent"), False),
        (EventFilter(mission_id="m", agent_id="other"), False),
        (EventFilter(mission_id="m", agent_id="a", type_prefix="task"), True),
    ],
)
def test_events_are_chosen_by_mission_agent_and_type(wanted: EventFilter, *, fits: bool) -> None:
    assert wanted.fits(EVENT) is fits
