from __future__ import annotations

from typing import Any

import pytest
from tests.unit.planner.world import (
    AT_WORK,
    HEAD,
    MERGING,
    NEXT_HEAD,
    NOW,
    agent_id,
    all_watches,
    decided,
    fix_request,
    handed_in,
    later,
    looked,
    make_agent,
    make_draft,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    make_watch,
    passed,
    pull_of,
    said,
    step,
)

from tinytown.domain.errors import ConflictError
from tinytown.domain.forge import ForgeTraits
from tinytown.domain.mission import Mission
from tinytown.domain.pull import MergeabilitySeen, Merged
from tinytown.domain.workitem import Verdict, WorkItem, WorkStatus
from tinytown.planner import reopen
from tinytown.planner.reasons import reasons
from tinytown.planner.tick import Decision
from tinytown.planner.wants import LookAt, Merge, OpenPull, Outcome, Refused, Retarget, Retargeted

DONE = WorkStatus.DONE


def stacking(**fields: Any) -> Mission:
    """A mission on a forge where one pull request goes into the branch of another."""
    return make_mission(traits=ForgeTraits(stacks=True), **fields)


def needing(number: int, *needed: int, **fields: Any) -> WorkItem:
    return handed_in(number, depends_on=tuple(handed_in(one).id for one in needed), **fields)


def base_of_new(*things: WorkItem, mission: Mission | None = None) -> str:
    """The base of the one pull request that is to be opened."""
    decision = decided(*things, AT_WORK, mission=mission or stacking())
    (want,) = [want for want in decision.wants if isinstance(want, OpenPull)]
    return want.draft.base


def retargets(decision: Decision) -> list[tuple[str, str]]:
    return [(want.url, want.base) for want in decision.wants if isinstance(want, Retarget)]


READY = handed_in(1, status=DONE, pull=passed(1))
MERGED = handed_in(1, status=DONE, pull=passed(1, merged_as=NEXT_HEAD))
CLOSED = handed_in(1, status=DONE, pull=passed(1, is_open=False))
ON_IT = needing(2, 1, pull=make_pull(2, base="tt/1-thing"))


def test_pull_request_goes_into_the_branch_of_the_one_thing_it_is_built_on() -> None:
    assert base_of_new(READY, needing(2, 1, pull=None)) == "tt/1-thing"


@pytest.mark.parametrize("lower", [MERGED, CLOSED, handed_in(1, status=DONE, pull=None)])
def test_pull_request_on_what_is_merged_or_never_will_be_goes_into_the_base(lower: WorkItem) -> None:
    assert base_of_new(lower, needing(2, 1, pull=None)) == "main"


def test_forge_that_does_not_stack_has_all_go_into_the_base() -> None:
    assert base_of_new(READY, needing(2, 1, pull=None), mission=make_mission()) == "main"


def test_pull_request_on_two_things_that_are_not_merged_goes_into_the_base() -> None:
    two = handed_in(3, status=DONE, pull=passed(3))

    assert base_of_new(READY, two, needing(2, 1, 3, pull=None)) == "main"


def test_pull_request_on_a_stack_goes_into_its_top() -> None:
    top = needing(3, 1, status=DONE, pull=passed(3, base="tt/1-thing"))

    assert base_of_new(READY, top, needing(2, 1, 3, pull=None)) == "tt/3-thing"


def test_tasks_about_a_stacked_pull_request_are_about_what_it_adds() -> None:
    item = needing(2, 1, pull=make_pull(2, base="tt/1-thing"), fixes=(fix_request("checks"),))

    decision = decided(READY, item, make_agent("backend"), mission=stacking())

    assert [given.spec.base for given in decision.changes.given] == ["tt/1-thing"]


def test_merge_of_what_is_beneath_has_the_next_go_into_the_base_before_it_is_merged() -> None:
    lower = handed_in(1, pull=passed(1))
    item = needing(2, 1, pull=passed(2, base="tt/1-thing"))
    mission = stacking(policy={"auto_merge": True})
    merge = Merge(item_id=lower.id, url="acme/shop/pull/1", head=HEAD)

    after, decision = step(
        make_snapshot(lower, item, AT_WORK, mission=mission), Outcome(want=merge, found=Merged(sha=NEXT_HEAD))
    )
    want = next(want for want in decision.wants if isinstance(want, Retarget))
    done, _ = step(after, Outcome(want=want, found=Retargeted(base="main")))

    assert [want for want in decision.wants if isinstance(want, Merge)] == []
    assert retargets(decision) == [("acme/shop/pull/2", "main")]
    unseen = {"checks": Verdict.UNKNOWN, "mergeable": Verdict.UNKNOWN}
    assert pull_of(done, 2) == passed(2, base_since=NOW, is_owed_update=True, **unseen)


def test_rest_of_a_stack_moves_down_by_one() -> None:
    middle = needing(2, 1, status=DONE, pull=passed(2, base="tt/1-thing"))
    top = needing(3, 1, 2, pull=make_pull(3, base="tt/2-thing"))

    decision = decided(MERGED, middle, top, AT_WORK, mission=stacking())

    assert retargets(decision) == [("acme/shop/pull/2", "main")]


def test_pull_request_on_a_closed_one_goes_into_the_base() -> None:
    assert retargets(decided(CLOSED, ON_IT, AT_WORK, mission=stacking())) == [("acme/shop/pull/2", "main")]


@pytest.mark.parametrize(
    ("lower", "item"),
    [
        (READY, ON_IT),
        (MERGED, needing(2, 1, pull=make_pull(2, base="main"))),
        (MERGED, needing(2, 1, pull=make_pull(2, base="next"))),
        (MERGED, needing(2, 1, pull=None)),
        (MERGED, needing(2, 1, pull=make_pull(2, base="tt/1-thing", is_open=False))),
        (MERGED, needing(2, 1, pull=make_pull(2, base="tt/1-thing"), hold="no rights")),
        (MERGED, needing(2, 1, pull=make_pull(2, base="tt/1-thing"), retry_at=later(30))),
        (MERGED, needing(2, 1, pull=make_pull(2, base="tt/1-thing"), status=DONE, errors=6)),
    ],
)
def test_pull_request_stays_where_it_is_when_that_is_right_or_cannot_be_changed_now(
    lower: WorkItem, item: WorkItem
) -> None:
    assert retargets(decided(lower, item, AT_WORK, mission=stacking())) == []


def test_forge_that_does_not_stack_has_nothing_retargeted() -> None:
    assert retargets(decided(MERGED, ON_IT, AT_WORK, mission=make_mission())) == []


WANT = Retarget(item_id=ON_IT.id, url="acme/shop/pull/2", base="main")
LASTING = Refused(reason="no rights", is_temporary=False)
PASSING = Refused(reason="502", is_temporary=True)


def told(item: WorkItem, found: Any) -> tuple[WorkItem, Decision]:
    snapshot = make_snapshot(MERGED, item, AT_WORK, *all_watches(item), mission=stacking())
    after, decision = step(snapshot, Outcome(want=WANT, found=found))
    return after.items[item.id], decision


def test_retargeted_pull_request_is_looked_at_anew() -> None:
    after, decision = told(ON_IT, Retargeted(base="main"))

    assert after.pull == make_pull(2, base_since=NOW, is_owed_update=True)
    assert len([want for want in decision.wants if isinstance(want, LookAt)]) == 3
    assert "pull.retargeted" in said(decision.changes)


def test_retargeting_that_fails_is_tried_again_and_then_asks_for_a_person() -> None:
    once, decision = told(ON_IT, PASSING)
    never, _ = told(ON_IT, LASTING)

    assert (once.errors, once.retry_at, retargets(decision)) == (1, later(10), [])
    assert never.hold == "having its pull request go into main failed: no rights"


def test_one_that_is_done_stays_done_when_it_cannot_be_retargeted() -> None:
    done = needing(2, 1, status=DONE, pull=passed(2, base="tt/1-thing"))
    once, _ = told(done, PASSING)
    never, decision = told(done, LASTING)
    moved, _ = told(done, Retargeted(base="main"))

    assert (once.status, once.errors, once.retry_at) == (DONE, 1, later(10))
    assert (never.status, never.errors, retargets(decision)) == (DONE, 6, [])
    assert moved.pull == passed(2, base_since=NOW, is_owed_update=True)


@pytest.mark.parametrize("pull", [None, make_pull(2, base="tt/1-thing", merged_as=HEAD)])
def test_retargeting_of_what_is_merged_or_gone_is_not_taken_in(pull: Any) -> None:
    after, _ = told(needing(2, 1, pull=pull), Retargeted(base="main"))

    assert after.pull == pull


def test_answer_of_another_kind_retargets_nothing() -> None:
    after, _ = told(ON_IT, Merged(sha=HEAD))

    assert after.pull == ON_IT.pull


def test_stacked_pull_request_is_not_merged_into_the_branch_beneath() -> None:
    item = needing(2, 1, pull=passed(2, base="tt/1-thing"))

    decision = decided(READY, item, AT_WORK, mission=stacking(policy={"auto_merge": True}))

    assert [want for want in decision.wants if isinstance(want, Merge)] == []
    draft = make_draft(READY, item, mission=stacking(policy={"auto_merge": True}))
    assert reasons(draft, item) == ("PR #2 goes into the branch of #1; it is merged after that",)


def test_stacked_pull_request_is_done_when_it_could_be_merged() -> None:
    decision = decided(READY, needing(2, 1, pull=passed(2, base="tt/1-thing")), AT_WORK, mission=stacking())

    assert [item.status for item in decision.changes.items] == [DONE]


def test_person_cannot_merge_what_is_stacked_by_way_of_something_without_a_branch() -> None:
    answer = make_item(3, needs=[1], status=DONE)
    item = needing(2, 3, status=DONE, pull=passed(2, base="tt/1-thing"))
    draft = make_draft(READY, answer, item, mission=stacking())

    with pytest.raises(ConflictError, match="#2 is built on #1, which is not merged; first: tt mission merge 1"):
        reopen.merge(draft, item)


def test_base_is_followed_also_when_the_item_is_done() -> None:
    done = needing(2, 1, status=DONE, pull=passed(2, base="tt/1-thing"), assigned_to=agent_id("backend"))
    watch = make_watch(done, MERGING)
    snapshot = make_snapshot(MERGED, done, watch, AT_WORK, mission=stacking())
    seen = MergeabilitySeen(head=HEAD, verdict=Verdict.PASSED, base="main")
    silent = MergeabilitySeen(head=HEAD, verdict=Verdict.PASSED)

    after, decision = step(snapshot, looked(done, watch, seen))
    same, _ = step(snapshot, looked(done, watch, silent))

    assert (pull_of(after, 2).base, pull_of(same, 2).base) == ("main", "tt/1-thing")
    assert retargets(decision) == []
    assert after.watches[watch.id].next_due_at == later(180)
    assert after.watches[watch.id].last_check_at == NOW
