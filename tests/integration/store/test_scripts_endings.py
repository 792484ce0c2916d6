"""Missions that end: completed, taken up again, deleted."""

from __future__ import annotations

import msgspec
import pytest
from tests.integration.store.stores import NOW, Stores, later, make_event, make_item

from tinytown.domain.errors import AlreadyExistsError, ConflictError, NotFoundError
from tinytown.domain.mission import MissionState
from tinytown.domain.refs import IssueRef
from tinytown.domain.task import TaskState

REF = IssueRef("acme", "shop", 7)


def test_completed_mission_that_is_to_be_looked_at_is_due_and_woken_by_signals_but_not_active(town: Stores) -> None:
    mission_id = town.mission()
    seen = town.read(mission_id)
    completed = msgspec.structs.replace(seen.mission, state=MissionState.COMPLETED)
    town.commit(seen, mission=completed, due=later(60))
    assert (town.due().missions, town.due().active, town.due().next_at) == ((), (), later(60))

    town.agent("backend")
    town.missions.defer(town.read(mission_id), later(30))
    assert town.due().next_at == later(30)
    town.commit(town.read(mission_id), mission=completed)
    assert town.due().next_at is None


def test_mission_that_is_taken_up_again_has_its_objectives_unless_another_took_them(town: Stores) -> None:
    ref = IssueRef("acme", "shop", 7)
    first = town.mission(objective_refs=(ref,))
    seen = town.read(first)
    town.commit(seen, mission=msgspec.structs.replace(seen.mission, state=MissionState.COMPLETED))
    running = msgspec.structs.replace(seen.mission, state=MissionState.RUNNING)

    second = town.mission(objective_refs=(ref,))
    with pytest.raises(AlreadyExistsError, match=f"is in mission {second[:8]} already"):
        town.commit(town.read(first), mission=running)
    assert town.due().active == (second,)

    seen = town.read(second)
    town.commit(seen, mission=msgspec.structs.replace(seen.mission, state=MissionState.COMPLETED))
    town.commit(town.read(first), mission=running)
    assert town.due().active == (first,)
    with pytest.raises(AlreadyExistsError, match=f"is in mission {first[:8]} already"):
        town.mission(objective_refs=(ref,))


# Deleting


def test_active_mission_is_deleted_only_by_force(town: Stores) -> None:
    mission_id = town.mission(make_item())

    with pytest.raises(ConflictError, match="give --force"):
        town.missions.delete(mission_id, NOW, is_forced=False, reason="gone")

    assert town.due().active == (mission_id,)
    assert town.missions.delete(mission_id, NOW, is_forced=True, reason="gone") == 0


def test_deleted_mission_leaves_nothing_and_its_objectives_are_free(town: Stores) -> None:
    agent = town.agent("backend")
    mission_id = town.mission(make_item(), objective_refs=(REF,))
    task_id = town.give(mission_id, agent)
    town.commit(town.read(mission_id), events=[make_event()], watched=["acme/shop/pull/1"], due=later(60))
    assert town.missions.events(mission_id)

    assert town.missions.delete(mission_id, NOW, is_forced=True, reason="gone") == 1

    task = town.tasks.get(task_id)
    assert (task.state, task.reason) == (TaskState.CANCELLED, "gone")
    assert town.inbox.waiting(agent) == []
    assert (town.missions.ids(), town.due().active, town.due().missions, town.due().next_at) == ([], (), (), None)
    left = [key.decode() for key in town.connection.execute("KEYS", town.keys("mission", "*"))]
    assert left == [town.keys("mission", "token")]
    with pytest.raises(NotFoundError):
        town.missions.read(mission_id)
    with pytest.raises(NotFoundError):
        town.missions.delete(mission_id, NOW, is_forced=True, reason="gone")
    town.mission(objective_refs=(REF,))


def test_decision_about_a_mission_that_was_deleted_meanwhile_is_refused(town: Stores) -> None:
    mission_id = town.mission(make_item())
    seen = town.read(mission_id)
    town.missions.delete(mission_id, NOW, is_forced=True, reason="gone")

    with pytest.raises(NotFoundError):
        town.commit(seen)
    town.missions.defer(seen, NOW)

    assert (town.due().missions, town.missions.ids()) == ((), [])


def test_deleting_leaves_other_missions_as_they_are(town: Stores) -> None:
    first, second = town.mission(make_item()), town.mission(make_item(), objective_refs=(REF,))
    town.missions.delete(first, NOW, is_forced=True, reason="gone")

    assert town.missions.ids() == [second]
    assert town.due().active == (second,)
    with pytest.raises(AlreadyExistsError):
        town.mission(objective_refs=(REF,))


def test_dispatcher_that_leaves_frees_completed_missions_too(town: Stores) -> None:
    mission_id = town.mission()
    seen = town.read(mission_id)
    completed = msgspec.structs.replace(seen.mission, state=MissionState.COMPLETED)
    town.commit(seen, mission=completed, due=later(60))
    town.read(mission_id, "d1")

    town.dispatchers.leave("d1")

    town.read(mission_id, "d2")
