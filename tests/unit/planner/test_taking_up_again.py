"""An item that is done and not merged: seen merged, merged on a person's wish, or sent back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.planner.world import (
    HEAD,
    NEXT_HEAD,
    NOW,
    all_watches,
    handed_in,
    in_work,
    item_id,
    later,
    make_agent,
    make_draft,
    make_item,
    make_mission,
    make_snapshot,
    make_task,
    passed,
    ready,
    saw_merging,
    step,
)

from tinytown.domain.errors import ConflictError
from tinytown.domain.mission import MissionState
from tinytown.domain.task import TaskState
from tinytown.domain.watch import Watch, WatchKind, WatchStatus
from tinytown.domain.workitem import Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner import directives, reopen
from tinytown.planner.draft import Draft
from tinytown.planner.reasons import reasons
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.wants import LookAt, Merge, Outcome, Refused

COMPLETED = make_mission(state=MissionState.COMPLETED)
IDLE = make_agent("backend")


def done(number: int, **fields: Any) -> WorkItem:
    return handed_in(number, **{"status": WorkStatus.DONE, "pull": passed(number), **fields})


def resting(item: WorkItem) -> tuple[Watch, ...]:
    """The watches of an item that is done and not merged."""
    return tuple(
        watch if watch.kind is WatchKind.MERGEABILITY else msgspec.structs.replace(watch, status=WatchStatus.DONE)
        for watch in all_watches(item)
    )


def statuses(draft: Draft) -> dict[str, WorkStatus]:
    return {item.key: item.status for item in draft.items.values()}


def wanted_merges(wants: tuple[object, ...]) -> list[str]:
    return [want.item_id for want in wants if isinstance(want, Merge)]


# Seen merged


def test_completed_mission_goes_on_looking_whether_its_items_are_merged() -> None:
    item = done(1)
    watches = resting(item)

    after, decision = step(make_snapshot(item, *watches, IDLE, mission=COMPLETED), now=later(200))

    (look,) = decision.wants
    assert isinstance(look, LookAt)
    assert look.kind is WatchKind.MERGEABILITY
    assert after.mission.state is MissionState.COMPLETED


def test_item_that_is_done_is_seen_merged_by_somebody() -> None:
    item = done(1)
    snapshot = make_snapshot(item, *resting(item), IDLE, mission=COMPLETED)

    after, decision = step(snapshot, saw_merging(item, merged_as=NEXT_HEAD, notice="issue #1 is not closed"))

    assert after.items[item.id].is_merged
    assert after.items[item.id].status is WorkStatus.DONE
    assert {watch.status for watch in after.watches.values()} == {WatchStatus.DONE}
    assert decision.wake_at is None
    assert [message.text for message in decision.changes.messages] == ["PR #1 (#1) was merged: issue #1 is not closed"]


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.FAILED])
def test_item_that_is_done_is_not_mended_because_its_base_moved(verdict: Verdict) -> None:
    item = done(1)
    snapshot = make_snapshot(item, *resting(item), IDLE, mission=COMPLETED)

    after, decision = step(snapshot, saw_merging(item, verdict=verdict))

    assert after.items[item.id] == item
    assert decision.changes.given == ()
    assert decision.wake_at == later(180)


def test_item_that_is_done_and_closed_by_somebody_is_watched_no_more() -> None:
    item = done(1)
    snapshot = make_snapshot(item, *resting(item), IDLE, mission=COMPLETED)

    after, decision = step(snapshot, saw_merging(item, is_open=False))

    pull = after.items[item.id].pull
    assert pull is not None
    assert not pull.is_open
    assert {watch.status for watch in after.watches.values()} == {WatchStatus.DONE}
    assert decision.wake_at is None


def test_look_at_an_item_that_is_done_which_fails_is_repeated_later() -> None:
    item = done(1)
    watches = resting(item)
    (watch,) = (w for w in watches if w.status is not WatchStatus.DONE)
    want = LookAt(watch_id=watch.id, item_id=item.id, kind=watch.kind, target=watch.target_ref)
    refused = Refused(reason="away", is_temporary=False)

    after, decision = step(make_snapshot(item, *watches, IDLE, mission=COMPLETED), Outcome(want=want, found=refused))

    assert after.watches[watch.id].finding == "away"
    assert after.items[item.id].hold is None
    assert decision.wake_at == later(60)


# Merged on a person's wish


def merging(snapshot: Snapshot, number: int = 1) -> Draft:
    draft = Draft(snapshot, NOW)
    reopen.merge(draft, draft.items[item_id(number)])
    return draft


def test_merge_takes_the_mission_up_again_and_looks_at_everything_anew() -> None:
    item = done(1)

    draft = merging(make_snapshot(item, *resting(item), mission=COMPLETED))

    after = draft.items[item.id]
    assert draft.mission.state is MissionState.RUNNING
    assert (after.status, after.merge_head) == (WorkStatus.BLOCKED, HEAD)
    assert after.pull == passed(1, checks=Verdict.UNKNOWN, mergeable=Verdict.UNKNOWN, is_heard=False)
    assert {(w.status, w.next_due_at) for w in draft.watches.values()} == {(WatchStatus.ACTIVE, NOW)}


def test_item_that_a_person_wants_merged_is_merged_once_everything_passes() -> None:
    item = handed_in(1, pull=passed(1), merge_head=HEAD)

    _, decision = step(make_snapshot(item, *all_watches(item), IDLE))

    assert wanted_merges(decision.wants) == [item.id]


def test_item_built_on_what_is_merged_or_has_no_branch_may_be_merged() -> None:
    merged = done(1, pull=passed(1, merged_as=NEXT_HEAD))
    answer = make_item(2, kind=WorkKind.REVIEW, status=WorkStatus.DONE)
    item = done(3, depends_on=(merged.id, answer.id))

    draft = merging(make_snapshot(merged, answer, item, *resting(item), *resting(merged), IDLE), 3)

    assert draft.items[item_id(3)].merge_head == HEAD
    asleep = {watch.status for watch in draft.watches.values() if watch.work_item_id == merged.id}
    assert WatchStatus.DONE in asleep


def test_item_that_only_waits_for_its_merge_is_not_looked_at_anew() -> None:
    item = handed_in(1, pull=passed())

    draft = merging(make_snapshot(item, IDLE))

    assert draft.items[item.id] == msgspec.structs.replace(item, merge_head=HEAD)


def test_wish_to_merge_does_not_hold_for_another_commit() -> None:
    item = handed_in(1, pull=passed(1), merge_head=NEXT_HEAD)

    after, decision = step(make_snapshot(item, *all_watches(item), IDLE))

    assert wanted_merges(decision.wants) == []
    assert after.items[item.id].status is WorkStatus.DONE


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ((done(1, pull=passed(1, merged_as=NEXT_HEAD)),), "#1 is merged already"),
        ((done(1, pull=passed(1, is_open=False)),), "the pull request of #1 was closed"),
        ((ready(1),), "#1 cannot be merged yet or changed: it is ready"),
        ((make_item(1, kind=WorkKind.REVIEW, status=WorkStatus.DONE),), "it is done, and has no branch"),
        (
            (handed_in(1, pull=passed(1, checks=Verdict.PENDING)),),
            "#1 cannot be merged yet: PR #1: checks still running",
        ),
        (
            (done(1, depends_on=(item_id(2),)), done(2)),
            "#1 is built on #2, which is not merged; first: tt mission merge 2",
        ),
    ],
)
def test_what_cannot_be_merged_says_why(items: tuple[WorkItem, ...], told: str) -> None:
    with pytest.raises(ConflictError, match=told):
        merging(make_snapshot(*items, IDLE))


def test_nothing_is_merged_in_a_mission_that_is_stopped() -> None:
    stopped = make_mission(state=MissionState.BLOCKED, is_paused=True)

    with pytest.raises(ConflictError, match="first: tt mission resume"):
        merging(make_snapshot(done(1), mission=stopped))


# Sent back


def rejected(*things: Any, **fields: Any) -> Draft:
    draft = make_draft(*things, IDLE, **fields)
    directives.reject(draft, draft.items[item_id(1)], "ugly")
    return draft


def test_item_that_was_done_is_to_be_mended_and_its_mission_runs_again() -> None:
    item = done(1, approved_head=HEAD)

    draft = rejected(item, *resting(item), mission=COMPLETED)

    after = draft.items[item.id]
    assert (after.status, after.approved_head, draft.mission.state) == (WorkStatus.BLOCKED, None, MissionState.RUNNING)
    assert [(fix.cause, fix.head, fix.text) for fix in after.fixes] == [
        ("review", HEAD, "A person rejected it:\n\nugly")
    ]
    assert after.pull is not None
    assert after.pull.review is Verdict.FAILED


def test_item_that_is_merged_is_not_sent_back() -> None:
    item = done(1, pull=passed(1, merged_as=NEXT_HEAD))

    with pytest.raises(ConflictError, match="merged already; what is wrong with it is a new issue"):
        rejected(item)


def test_dependent_that_was_not_begun_waits_again() -> None:
    waiting, given = ready(2, depends_on=(item_id(1),)), in_work(3, depends_on=(item_id(1),), tasks_given=1)
    given = msgspec.structs.replace(given, status=WorkStatus.ASSIGNED)
    task = make_task(given, state=TaskState.ASSIGNED)

    draft = rejected(done(1), waiting, given, task)

    assert statuses(draft) == {"#1": WorkStatus.BLOCKED, "#2": WorkStatus.PENDING, "#3": WorkStatus.PENDING}
    assert [one.task_id for one in draft.changes().cancelled] == [task.id]


def test_dependent_that_was_begun_is_told_with_its_next_prompt_and_is_not_done_before() -> None:
    begun = handed_in(2, depends_on=(item_id(1),), pull=passed(2))

    draft = rejected(done(1), begun)
    after, decision = step(make_snapshot(*draft.items.values(), IDLE, *all_watches(begun)))

    (note,) = draft.items[begun.id].notes
    assert "#1, which this work was started from, was sent back: ugly" in note
    assert f"When branch {draft.items[item_id(1)].branch} has changed, merge it into yours" in note
    assert after.items[begun.id].status is WorkStatus.BLOCKED
    assert wanted_merges(decision.wants) == []
    assert "which was sent back" in reasons(Draft(after, NOW), after.items[begun.id])[0]


def test_dependent_is_done_once_what_was_sent_back_is_done_again() -> None:
    first, second = handed_in(1, pull=passed(1)), handed_in(2, depends_on=(item_id(1),), pull=passed(2))

    after, _ = step(make_snapshot(second, first, IDLE, *all_watches(first), *all_watches(second)))

    assert {item.status for item in after.items.values()} == {WorkStatus.DONE}
