from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.services.directing import missions_of
from tests.properties.mission_town import START, PaperTown

from tinytown.domain.errors import NotFoundError
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.watch import WatchStatus
from tinytown.domain.workitem import WorkItem, WorkKind, WorkStatus

MISSION = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def town(redis_url: str, tmp_path: Path) -> Iterator[PaperTown]:
    made = PaperTown(redis_url, tmp_path, f"z-{uuid.uuid4().hex[:12]}")
    yield made
    made.close()


def handed_in(town: PaperTown) -> None:
    """A mission whose one item has its pull request open."""
    item = WorkItem(
        id="00000000-0000-4000-8000-000000000002",
        mission_id=MISSION,
        key="#1",
        title="thing",
        kind=WorkKind.IMPLEMENT,
        status=WorkStatus.BLOCKED,
        branch="tt/1-thing",
        submitted="a" * 40,
        created_at=START,
        updated_at=START,
    )
    mission = Mission(
        id=MISSION,
        objective_refs=(),
        state=MissionState.RUNNING,
        policy=MissionPolicy(),
        home=town.forge.home,
        created_at=START,
        updated_at=START,
    )
    town.start(mission, (item,))
    town.step(0)


def test_snoozed_watch_is_looked_at_again_when_its_time_is_over(town: PaperTown, tmp_path: Path) -> None:
    handed_in(town)
    missions = missions_of(town, tmp_path)
    watch = next(iter(town.read().watches.values()))

    snoozed = missions.snooze(missions.find_with_watch(watch.id[:8], None), watch.id[:8], 600)
    town.pass_time(599)
    town.step(0)

    assert snoozed.id == watch.id
    assert town.read().watches[watch.id] == snoozed
    town.pass_time(1)
    town.step(0)
    assert town.read().watches[watch.id].status is WatchStatus.ACTIVE
    assert town.read().watches[watch.id].last_check_at == town.now


def test_watch_of_no_active_mission_is_not_found(town: PaperTown, tmp_path: Path) -> None:
    handed_in(town)

    with pytest.raises(NotFoundError, match="no watch 'ffff0000'"):
        missions_of(town, tmp_path).find_with_watch("ffff0000", None)
    assert missions_of(town, tmp_path).find_with_watch("whatever", MISSION[:30]) == MISSION
