"""What dispatchers tell of their steps."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.services.paper import ISSUE, start
from tests.properties.mission_town import PaperTown

from tinytown.services.dispatch import Dispatcher
from tinytown.store.census import CensusStore
from tinytown.store.connection import Connection
from tinytown.store.counters import STEP_BUCKETS, Counters


def counters(connection: Connection, town: PaperTown) -> Counters:
    return CensusStore(connection, town.keys).read().counters


def steps(found: Counters) -> float:
    """How many steps are in the histogram."""
    times: dict[Any, Any] = found.histograms("steps", STEP_BUCKETS)
    return dict(times[()].buckets)["+Inf"] if times else 0.0


@pytest.fixture
def dispatcher(paper_town: PaperTown) -> Dispatcher:
    start(paper_town, ISSUE)
    return paper_town.dispatchers[0]


def test_steps_are_told_with_the_next_heartbeat_and_once(
    connection: Connection, paper_town: PaperTown, dispatcher: Dispatcher
) -> None:
    dispatcher.tick(is_full=True)
    assert steps(counters(connection, paper_town)) == 0
    dispatcher.tick(is_full=False)
    told = steps(counters(connection, paper_town))
    assert told > 0
    dispatcher.tick(is_full=False)
    assert steps(counters(connection, paper_town)) >= told
    assert sum(counters(connection, paper_town).of_kind("decisions").values()) == steps(
        counters(connection, paper_town)
    )


def test_last_steps_are_told_when_it_ends(
    connection: Connection, paper_town: PaperTown, dispatcher: Dispatcher
) -> None:
    dispatcher.tick(is_full=True)
    dispatcher.leave()
    found = counters(connection, paper_town)
    assert steps(found) > 0
    assert set(found.of_kind("decisions")) == {("decided",)}
