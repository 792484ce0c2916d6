from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.unit.planner.world import (
    AGENTS,
    AT_WORK,
    HEAD,
    MISSION_ID,
    agent_id,
    applied,
    draft_of,
    fix_request,
    given_to,
    handed_in,
    in_review,
    in_work,
    make_draft,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    make_task,
    one,
    passed,
    ready,
    reported,
    review_of,
    said,
    step,
)

from tinytown.domain.agent import AgentState
from tinytown.domain.errors import ConflictError, IllegalTransitionError, InvalidInputError
from tinytown.domain.ids import derive_id
from tinytown.domain.mission import MissionState
from tinytown.domain.task import Report, TaskKind, TaskState
from tinytown.domain.workitem import PullState, WorkItem, WorkKind, WorkStatus
from tinytown.planner import by_hand, directives
from tinytown.planner.draft import Draft

PENDING, READY, ASSIGNED, RUNNING, BLOCKED, DONE = WorkStatus
RUN = MISSION_ID[:8]


def held(number: int = 1) -> WorkItem:
    return make_item(number, status=BLOCKED, hold="failed 3 times", failed_attempts=3)


def draft_at(status: WorkStatus) -> Draft:
    """A mission whose #1 has that status; #2 must be done before while it is pending."""
    item = {
        PENDING: make_item(1, needs=[2]),
        READY: ready(1),
        ASSIGNED: in_work(1, status=ASSIGNED),
        RUNNING: in_work(1),
        BLOCKED: held(),
        DONE: make_item(1, status=DONE),
    }[status]
    state = TaskState.ASSIGNED if status is ASSIGNED else TaskState.RUNNING
    tasks = (make_task(item, state=state),) if item.task_id else ()
    return make_draft(item, ready(2), AT_WORK, *tasks)


LEGAL = {
    (PENDING, DONE),
    (PENDING, BLOCKED),
    (READY, DONE),
    (READY, BLOCKED),
    (ASSIGNED, DONE),
    (ASSIGNED, READY),
    (ASSIGNED, BLOCKED),
    (RUNNING, READY),
    (RUNNING, BLOCKED),
    (BLOCKED, DONE),
    (BLOCKED, READY),
}


@pytest.mark.parametrize("old", WorkStatus, ids=lambda s: f"from-{s.value}")
@pytest.mark.parametrize("new", WorkStatus, ids=lambda s: f"to-{s.value}")
def test_status_set_by_hand_is_reached_or_refused_without_any_change(old: WorkStatus, new: WorkStatus) -> None:
    draft = draft_at(old)
    item = one(draft)

    if (old, new) in LEGAL:
        assert by_hand.update(draft, item, new, ()).status is new
        assert one(draft).task_id is None
        assert set(draft.tasks) == set()
    elif old is new:
        by_hand.update(draft, item, new, ())
        assert draft.changes().is_empty
    else:
        with pytest.raises(IllegalTransitionError, match=f"#1 is {old.value} and is not set to {new.value}: "):
            by_hand.update(draft, item, new, ("https://example.org/1",))
        assert draft.changes().is_empty


def test_item_that_is_done_elsewhere_is_given_to_nobody_and_lets_others_go_on() -> None:
    snapshot = make_snapshot(ready(1), make_item(2, needs=[1]), *AGENTS)
    draft = Draft(snapshot, snapshot.mission.created_at)
    by_hand.update(draft, one(draft), DONE, ())

    _, decision = step(applied(snapshot, draft.changes()))

    assert list(given_to(decision)) == ["#2"]


def test_task_that_nobody_began_is_taken_out_of_the_inbox_of_what_is_done() -> None:
    draft = draft_at(ASSIGNED)
    by_hand.update(draft, one(draft), DONE, ())
    assert [c.task_id for c in draft.changes().cancelled] == [derive_id(MISSION_ID, "task", 1)]


def test_run_that_began_since_the_last_step_is_not_overtaken() -> None:
    item = in_work(1, status=ASSIGNED)
    draft = make_draft(item, make_task(item), AT_WORK)
    with pytest.raises(IllegalTransitionError, match="an agent is at it"):
        by_hand.update(draft, item, DONE, ())


def test_run_that_began_is_taken_into_account_when_its_agent_says_so() -> None:
    item = in_work(1, status=ASSIGNED)
    draft = make_draft(item, make_task(item), AT_WORK)

    after = by_hand.update(draft, item, RUNNING, ())

    assert (after.status, after.task_id) == (RUNNING, item.task_id)
    assert said(draft.changes()) == ["item.running"]


@pytest.mark.parametrize("status", [READY, BLOCKED, DONE])
def test_work_that_was_just_handed_in_is_taken_in_before_anything_is_set(status: WorkStatus) -> None:
    item = in_work(1, status=ASSIGNED)
    draft = make_draft(item, reported(make_task(item), Report.COMPLETED, head=HEAD), AT_WORK)
    with pytest.raises(IllegalTransitionError, match="its agent has just ended"):
        by_hand.update(draft, item, status, ())
    assert draft.changes().is_empty


def test_item_whose_task_is_gone_is_set_free() -> None:
    item = in_work(1)
    draft = make_draft(item, AT_WORK)
    assert by_hand.update(draft, item, READY, ()).task_id is None


def test_item_that_is_taken_back_goes_to_one_agent_only() -> None:
    other = msgspec.structs.replace(
        AT_WORK, spec=msgspec.structs.replace(AT_WORK.spec, id=agent_id("second"), name="second")
    )
    item = in_work(1)
    idle = msgspec.structs.replace(other, state=AgentState.IDLE, open_tasks=0)
    snapshot = make_snapshot(item, make_task(item), AT_WORK, idle)
    draft = Draft(snapshot, snapshot.mission.created_at)
    by_hand.update(draft, item, READY, ())

    after, decision = step(applied(snapshot, draft.changes()))

    assert len(decision.changes.given) == 1
    assert [task.spec.item_id for task in after.tasks.values()] == [item.id]


def test_item_that_is_held_while_an_agent_is_at_it_is_tried_anew_when_it_is_set_to_ready() -> None:
    item = in_work(1, hold="the forge refuses", failed_attempts=2)
    draft = make_draft(item, make_task(item), AT_WORK)

    after = by_hand.update(draft, item, READY, ())

    assert (after.status, after.hold, after.failed_attempts) == (READY, None, 0)


def test_item_that_was_held_before_its_turn_waits_again_when_the_mission_goes_on() -> None:
    draft = draft_at(PENDING)
    after = by_hand.update(draft, one(draft), BLOCKED, ())
    assert after.hold == f"held by a person; go on with: tt mission resume {RUN}"

    directives.resume(draft)

    assert (one(draft).status, one(draft).hold) == (PENDING, None)


def test_item_that_waits_for_nothing_any_more_is_ready_when_somebody_says_so() -> None:
    draft = draft_of(make_item(1, needs=[2]), make_item(2, status=DONE))
    assert by_hand.update(draft, one(draft), READY, ()).status is READY


@pytest.mark.parametrize(
    "make",
    [
        lambda: handed_in(1),
        lambda: handed_in(1, pull=None),
        lambda: in_work(1, submitted=HEAD, pull=make_pull(), status=ASSIGNED),
    ],
    ids=["open", "not opened yet", "being mended"],
)
def test_open_pull_request_is_not_passed_over_by_a_word(make: Callable[[], WorkItem]) -> None:
    item = make()
    tasks = (make_task(item, kind=TaskKind.FIX, state=TaskState.ASSIGNED),) if item.task_id else ()
    draft = draft_of(item, *tasks)
    with pytest.raises(IllegalTransitionError, match="its work is handed in; approve or merge it"):
        by_hand.update(draft, item, DONE, ())
    assert draft.changes().is_empty


@pytest.mark.parametrize("pull", [make_pull(is_open=False), passed(merged_as="c" * 40)], ids=["closed", "merged"])
def test_item_whose_pull_request_is_over_is_done_by_a_word(pull: object) -> None:
    item = handed_in(1, pull=pull)
    draft = draft_of(item)
    assert by_hand.update(draft, item, DONE, ()).status is DONE


def test_review_goes_on_while_its_item_is_held_by_hand() -> None:
    item = in_review(1)
    draft = draft_of(item, review_of(item))
    by_hand.update(draft, item, BLOCKED, ())
    assert draft.changes().is_empty  # it is blocked already


def test_mending_that_is_taken_back_keeps_what_was_handed_in() -> None:
    item = in_work(1, submitted=HEAD, pull=make_pull(), fixes=(fix_request("checks"),))
    draft = draft_of(item, make_task(item, kind=TaskKind.FIX))

    after = by_hand.update(draft, item, BLOCKED, ())

    assert (after.status, after.submitted, after.task_id) == (BLOCKED, HEAD, None)
    assert after.fixes == item.fixes


def test_what_was_handed_in_is_not_begun_anew() -> None:
    draft = draft_of(handed_in(1))
    with pytest.raises(IllegalTransitionError, match="reject it with a reason"):
        by_hand.update(draft, one(draft), READY, ())


@pytest.mark.parametrize("new", [READY, BLOCKED])
@pytest.mark.parametrize(
    ("pull", "says"),
    [
        (make_pull(), "reject it with a reason"),
        (make_pull(merged_as="f" * 40, is_open=False), "for a new mission"),
        (make_pull(merged_as="f" * 40), "for a new mission"),
        (None, "for a new mission"),
    ],
)
def test_what_is_done_is_said_to_be_rejected_only_where_it_can_be(
    pull: PullState | None, says: str, new: WorkStatus
) -> None:
    draft = draft_of(make_item(1, status=DONE, submitted=HEAD if pull else None, pull=pull))
    with pytest.raises(IllegalTransitionError, match=says):
        by_hand.update(draft, one(draft), new, ())


@pytest.mark.parametrize(
    ("status", "new"), [(PENDING, DONE), (PENDING, READY), (PENDING, BLOCKED), (BLOCKED, READY), (READY, DONE)]
)
def test_gate_is_opened_by_approvals_only(status: WorkStatus, new: WorkStatus) -> None:
    draft = draft_of(make_item(1, kind=WorkKind.MERGE_GATE, status=status))
    with pytest.raises(IllegalTransitionError, match="a gate"):
        by_hand.update(draft, one(draft), new, ())


def test_gate_that_is_reached_is_opened_by_saying_that_it_is_done() -> None:
    draft = draft_of(make_item(1, kind=WorkKind.MERGE_GATE, status=BLOCKED, hold="a gate"))
    assert by_hand.update(draft, one(draft), DONE, ()).status is DONE


# Artifacts


def test_artifacts_are_added_once_and_in_order() -> None:
    draft = draft_of(ready(1, artifact_refs=("a",)))

    after = by_hand.update(draft, one(draft), None, ("b", "a", "b", "c"))

    assert after.artifact_refs == ("a", "b", "c")
    assert [event.text for event in draft.changes().events] == ["#1 has 2 more: b, c"]


def test_status_and_artifacts_are_one_change() -> None:
    draft = draft_of(ready(1))
    after = by_hand.update(draft, one(draft), DONE, ("https://example.org/pull/1",))
    assert (after.status, after.artifact_refs) == (DONE, ("https://example.org/pull/1",))


def test_artifacts_that_are_known_change_nothing() -> None:
    draft = draft_of(ready(1, artifact_refs=("a",)))
    by_hand.update(draft, one(draft), READY, ("a",))
    assert draft.changes().is_empty


def test_artifacts_are_bounded() -> None:
    draft = draft_of(ready(1))
    with pytest.raises(InvalidInputError, match="#1 would have 201 artifacts; it keeps at most 200"):
        by_hand.update(draft, one(draft), None, map(str, range(201)))


def test_nothing_of_a_mission_that_has_ended_is_updated() -> None:
    mission = make_mission(state=MissionState.COMPLETED)
    draft = draft_of(make_item(1, status=DONE), mission=mission)
    with pytest.raises(ConflictError, match="the mission is completed"):
        by_hand.update(draft, one(draft), None, ("a",))
