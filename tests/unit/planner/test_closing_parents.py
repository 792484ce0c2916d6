"""A parent issue that was done without a pull request is closed: no merge does that."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.planner.world import AT_WORK, later, make_item, make_mission, make_snapshot, passed, step

from tinytown.domain.forge import ForgeTraits
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import WorkItem, WorkStatus
from tinytown.planner.closing import is_owed
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.tick import Decision
from tinytown.planner.wants import Close, Closed, Outcome, Refused

REF = IssueRef("acme", "shop", 1)


def parent(**fields: Any) -> WorkItem:
    values: dict[str, Any] = {"status": WorkStatus.DONE, "is_parent": True, "tasks_given": 1, "work_task_id": "t1"}
    return make_item(1, **{**values, **fields})


def on_github(**fields: Any) -> Mission:
    return make_mission(traits=ForgeTraits(closes=True), **fields)


def seen(item: WorkItem, mission: Mission | None = None) -> Snapshot:
    return make_snapshot(item, AT_WORK, mission=mission or on_github())


def closes(decision: Decision) -> list[IssueRef]:
    return [want.ref for want in decision.wants if isinstance(want, Close)]


def outcome(found: Closed | Refused) -> Outcome:
    return Outcome(want=Close(item_id=parent().id, ref=REF), found=found)


def test_it_is_closed_once_although_the_mission_is_completed() -> None:
    snapshot, first = step(seen(parent()))
    assert closes(first) == [REF]
    assert snapshot.mission.state is MissionState.COMPLETED
    assert is_owed(snapshot)

    snapshot, second = step(snapshot, outcome(Closed()))
    assert closes(second) == []
    assert [event.text for event in second.changes.events] == [
        "#1 is closed at the forge: its parts were all there was to do"
    ]
    assert not is_owed(snapshot)
    assert closes(step(snapshot)[1]) == []


@pytest.mark.parametrize(
    "item",
    [
        parent(is_parent=False),
        parent(status=WorkStatus.BLOCKED, hold="look"),
        parent(pull=passed(1, merged_as="f" * 40, is_open=False)),
        parent(pull=passed(1)),
        parent(tasks_given=0, work_task_id=None),
        parent(source_ref="docs/plan.md"),
    ],
    ids=["no parent", "not done", "merged", "to be merged", "closed before", "a document"],
)
def test_others_are_left_to_merges_and_people(item: WorkItem) -> None:
    assert closes(step(seen(item))[1]) == []
    assert not is_owed(seen(item, on_github(state=MissionState.COMPLETED)))


def test_a_forge_that_cannot_close_is_not_asked() -> None:
    assert closes(step(seen(parent(), make_mission()))[1]) == []


def test_it_is_tried_again_when_the_forge_cannot_be_reached_or_says_when_it_answers() -> None:
    snapshot, _ = step(seen(parent()))
    waiting, decision = step(snapshot, outcome(Refused(reason="away", is_temporary=True)))
    assert (closes(decision), decision.wake_at) == ([], later(300))
    assert closes(step(waiting, now=later(300))[1]) == [REF]

    waiting, decision = step(snapshot, outcome(Refused(reason="low", is_temporary=True, not_before=later(900))))
    assert (closes(decision), decision.wake_at) == ([], later(900))
    assert is_owed(waiting)


def test_what_cannot_be_closed_is_left_to_a_person_who_is_told_once() -> None:
    snapshot, _ = step(seen(parent()))
    snapshot, decision = step(snapshot, outcome(Refused(reason="no right to", is_temporary=False)))
    (message,) = decision.changes.messages
    assert "close it by hand" in message.text
    assert "no right to" in message.text
    assert closes(step(snapshot)[1]) == []
    assert not is_owed(snapshot)


def test_done_again_after_it_was_sent_back_it_is_closed_again() -> None:
    snapshot = step(step(seen(parent()))[0], outcome(Closed()))[0]
    (item,) = snapshot.items.values()
    again = make_snapshot(parent(work_task_id="t2", closed_after=item.closed_after), AT_WORK, mission=on_github())
    assert closes(step(again)[1]) == [REF]


def test_what_came_of_it_is_no_news_when_the_item_was_sent_back_meanwhile() -> None:
    snapshot = seen(parent(status=WorkStatus.BLOCKED, hold="look"))
    assert [event.type for event in step(snapshot, outcome(Closed()))[1].changes.events if "closed" in event.type] == []
    gone = Outcome(want=Close(item_id="nobody", ref=REF), found=Closed())
    assert step(snapshot, gone)[1].changes.items == ()


@pytest.mark.parametrize(
    "mission",
    [make_mission(state=MissionState.COMPLETED), on_github(state=MissionState.RUNNING)],
    ids=["a forge that closes nothing", "a mission that is not over"],
)
def test_nothing_is_owed_where_nothing_can_be(mission: Mission) -> None:
    assert is_owed(seen(parent(), mission)) is False
