"""Dispatchers: whoever ends in order leaves nothing that others have to wait for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tinytown.domain.ids import new_id
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.store.connection import Connection
from tinytown.store.dispatchers import Dispatcher, DispatcherStore
from tinytown.store.keys import Keys
from tinytown.store.missions import MissionStore, Stored

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def missions(connection: Connection, keys: Keys) -> MissionStore:
    return MissionStore(connection, keys)


@pytest.fixture
def dispatchers(connection: Connection, keys: Keys) -> DispatcherStore:
    return DispatcherStore(connection, keys)


@pytest.fixture
def mission_id(missions: MissionStore) -> str:
    mission = Mission(
        id=new_id(),
        objective_refs=(),
        state=MissionState.RUNNING,
        policy=MissionPolicy(),
        created_at=NOW,
        updated_at=NOW,
    )
    missions.create(mission, (), {}, (), NOW)
    return mission.id


def test_mission_of_a_dispatcher_that_left_is_anybodys_at_once(
    missions: MissionStore, dispatchers: DispatcherStore, mission_id: str
) -> None:
    assert isinstance(missions.read(mission_id, dispatcher="first"), Stored)
    assert missions.read(mission_id, dispatcher="second") == "first"
    dispatchers.leave("first")
    assert isinstance(missions.read(mission_id, dispatcher="second"), Stored)


def test_dispatcher_that_leaves_takes_nothing_from_others(
    missions: MissionStore, dispatchers: DispatcherStore, mission_id: str
) -> None:
    assert isinstance(missions.read(mission_id, dispatcher="first"), Stored)
    dispatchers.leave("second")
    assert missions.read(mission_id, dispatcher="second") == "first"


def test_dispatcher_that_left_is_no_longer_listed(dispatchers: DispatcherStore) -> None:
    for name in ("first", "second"):
        dispatchers.beat(Dispatcher(id=name, machine="here", pid=1, started_at=NOW), NOW)
    dispatchers.leave("first")
    assert [record.id for record in dispatchers.all()] == ["second"]
