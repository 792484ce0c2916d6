"""What a mission would do, before it is started."""

from __future__ import annotations

from tests.unit.planner.world import NOW, item_id, make_agent, make_item, make_mission

from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import OutsideDependency, WorkItem, WorkKind, WorkStatus
from tinytown.planner.compile import Compiled
from tinytown.planner.preview import First, Preview, preview


def shown(*items: WorkItem, agents: tuple[str, ...] = (), at_once: int = 2) -> Preview:
    mission = make_mission(policy={"max_parallel_items": at_once})
    compiled = Compiled(items=items, briefs={}, warnings=("mind the gap",))
    return preview(mission, compiled, tuple(make_agent(name) for name in agents))


def test_longest_chain_of_what_is_not_done_is_the_critical_path() -> None:
    done = make_item(1, status=WorkStatus.DONE)
    found = shown(done, make_item(2, needs=[1]), make_item(3), make_item(4, needs=[2]), make_item(5, needs=[4, 3]))

    assert found.critical_path == (item_id(2), item_id(4), item_id(5))
    assert [item.status for item in found.items[:2]] == [WorkStatus.DONE, WorkStatus.PENDING]
    assert found.warnings == ("mind the gap",)


def test_first_are_the_items_that_wait_for_nothing_in_the_order_they_would_be_given_out() -> None:
    outside = OutsideDependency(ref=IssueRef("acme", "lib", 9), is_open=True, checked_at=NOW)
    found = shown(
        make_item(1),
        make_item(2, priority=5, owner_role="backend"),
        make_item(3),
        make_item(4, needs=[3]),
        make_item(5, waits_for=(outside,)),
        make_item(6, status=WorkStatus.DONE),
        agents=("backend",),
    )

    assert found.first == (
        First(item_id=item_id(2), role="backend", is_at_once=True),
        First(item_id=item_id(3), role=None, is_at_once=True),
        First(item_id=item_id(1), role=None, is_at_once=False),
    )


def test_role_that_no_agent_has_is_told_with_what_to_do() -> None:
    (first,) = shown(make_item(1, owner_role="backend")).first
    assert first.lacking == "no agent can take #1; start one: tt spawn backend"


def test_gate_waits_for_a_person_and_takes_nobodys_room() -> None:
    gate = make_item(1, kind=WorkKind.MERGE_GATE, priority=1)
    found = shown(gate, make_item(2), agents=("backend",), at_once=1)

    assert found.first == (
        First(item_id=item_id(1), role=None, is_at_once=False, lacking="a person opens it: tt mission approve 1"),
        First(item_id=item_id(2), role=None, is_at_once=True),
    )


def test_mission_with_nothing_left_to_do_has_no_path() -> None:
    found = shown(make_item(1, status=WorkStatus.DONE))
    assert (found.critical_path, found.first) == ((), ())
