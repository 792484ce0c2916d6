from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.unit.planner.world import (
    BLOCKED,
    HEAD,
    NOW,
    STOPPED,
    WATCHED,
    all_watches,
    applied,
    draft_of,
    fix_request,
    handed_in,
    in_review,
    in_work,
    item_id,
    later,
    make_draft,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    make_task,
    make_watch,
    one,
    passed,
    ready,
    reported,
    said,
    step,
)

from tinytown.domain.errors import (
    AmbiguousError,
    ConflictError,
    IllegalTransitionError,
    InvalidInputError,
    NotFoundError,
)
from tinytown.domain.mission import MissionState
from tinytown.domain.task import TaskKind, TaskState
from tinytown.domain.watch import WatchKind, WatchStatus
from tinytown.domain.workitem import Verdict, WorkKind, WorkStatus
from tinytown.planner import directives
from tinytown.planner.draft import Draft
from tinytown.planner.wants import LookAt

# Finding items


@pytest.mark.parametrize("text", ["#2", "2", " #2 ", item_id(2), item_id(2)[:10], item_id(2).upper()])
def test_item_is_found_by_its_key_or_a_prefix_of_its_id(text: str) -> None:
    assert directives.find_item(draft_of(make_item(1), make_item(2)), text).key == "#2"


def test_document_is_found_by_its_path_in_whatever_letter_case() -> None:
    assert directives.find_item(draft_of(make_item(1, key="docs/Plan.md")), "docs/plan.md").key == "docs/Plan.md"


@pytest.mark.parametrize(("text", "error"), [("#9", NotFoundError), ("zz", NotFoundError), ("", NotFoundError)])
def test_unknown_item_is_told(text: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="no item"):
        directives.find_item(draft_of(make_item(1)), text)


def test_prefix_that_fits_two_items_is_ambiguous() -> None:
    twins = [make_item(1, id="abc1" + "0" * 32), make_item(2, id="abc2" + "0" * 32)]

    with pytest.raises(AmbiguousError, match="give more characters"):
        directives.find_item(draft_of(*twins), "abc")


def test_number_goes_before_a_prefix_of_an_id() -> None:
    trap = make_item(1, id="2" + "0" * 35)

    assert directives.find_item(draft_of(trap, make_item(2)), "2").key == "#2"


# Stopping and going on


def test_stopped_mission_starts_nothing_and_lets_runs_finish() -> None:
    item = in_work(1)
    draft = draft_of(item, make_task(item), ready(2))

    directives.stop(draft, is_forced=False)

    changes = draft.changes()
    assert (changes.mission.state, changes.mission.is_paused) == (MissionState.BLOCKED, True)
    assert changes.mission.blocked_reason == "stopped by the operator"
    assert changes.cancelled == ()


def test_forced_stop_takes_back_what_is_being_done() -> None:
    working, reviewed = in_work(1), in_review(2)
    mending = in_work(3, "frontend", submitted=HEAD, pull=make_pull(3), fixes=(fix_request("checks"),))
    tasks = (
        make_task(working),
        make_task(reviewed, "reviewer", TaskKind.REVIEW),
        make_task(mending, "frontend", TaskKind.FIX),
    )
    draft = draft_of(working, reviewed, mending, *tasks)

    directives.stop(draft, is_forced=True)

    assert {one.task_id for one in draft.changes().cancelled} == {task.id for task in tasks}
    assert [one(draft, n).status for n in (1, 2, 3)] == [WorkStatus.READY, WorkStatus.BLOCKED, WorkStatus.BLOCKED]
    assert one(draft, 2).review_task_id is None


def test_stop_takes_back_what_nobody_is_at_yet() -> None:
    given = in_work(1, status=WorkStatus.ASSIGNED)
    reviewed = in_review(2)
    mending = in_work(3, "frontend", submitted=HEAD, pull=make_pull(3), fixes=(fix_request("checks"),), fix_rounds=2)
    tasks = (
        make_task(given, state=TaskState.ASSIGNED),
        make_task(reviewed, "reviewer", TaskKind.REVIEW, state=TaskState.ASSIGNED),
        make_task(mending, "frontend", TaskKind.FIX, state=TaskState.ASSIGNED),
    )
    draft = draft_of(given, reviewed, mending, *tasks)

    directives.stop(draft, is_forced=False)

    assert {one.task_id for one in draft.changes().cancelled} == {task.id for task in tasks}
    assert [one(draft, n).status for n in (1, 2, 3)] == [WorkStatus.READY, WorkStatus.BLOCKED, WorkStatus.BLOCKED]
    assert (one(draft, 2).review_task_id, one(draft, 3).fix_rounds) == (None, 1)


def test_stop_leaves_the_run_of_an_item_whose_older_task_it_takes_back() -> None:
    item = in_work(1)
    running, old = make_task(item), make_task(make_item(1), state=TaskState.ASSIGNED)
    draft = draft_of(item, running, old)

    directives.stop(draft, is_forced=False)

    assert [one.task_id for one in draft.changes().cancelled] == [old.id]
    assert one(draft, 1).task_id == running.id


def test_forced_stop_takes_a_fix_and_an_old_review_of_one_item_back_once() -> None:
    item = in_work(1, submitted=HEAD, pull=make_pull(), fixes=(fix_request("checks"),), review_task_id="0" * 36)
    tasks = (make_task(item, "reviewer", TaskKind.REVIEW), make_task(item, kind=TaskKind.FIX))
    draft = draft_of(item, *tasks)

    directives.stop(draft, is_forced=True)

    assert sorted(one.task_id for one in draft.changes().cancelled) == sorted(task.id for task in tasks)
    assert (one(draft, 1).task_id, one(draft, 1).review_task_id) == (None, None)


def test_forced_stop_leaves_what_has_ended_to_be_settled() -> None:
    item = in_work(1)
    draft = draft_of(item, reported(make_task(item), head=HEAD))

    directives.stop(draft, is_forced=True)

    assert draft.changes().cancelled == ()


def test_mission_stopped_before_it_was_planned_is_not_completed() -> None:
    snapshot = make_snapshot(mission=STOPPED)

    after, decision = step(snapshot)

    assert after.mission.state is MissionState.BLOCKED
    assert decision.changes.is_empty


def test_mission_stopped_before_it_was_planned_goes_on_planning() -> None:
    draft = make_draft(mission=STOPPED)

    directives.resume(draft)

    assert (draft.mission.state, draft.mission.is_paused) == (MissionState.PLANNING, False)


@pytest.mark.parametrize("state", [MissionState.COMPLETED, MissionState.FAILED])
@pytest.mark.parametrize("act", [directives.resume, lambda d: directives.stop(d, is_forced=False)])
def test_mission_that_has_ended_cannot_be_stopped_or_resumed(state: MissionState, act: Callable[[Draft], None]) -> None:
    with pytest.raises(ConflictError, match="it has ended"):
        act(make_draft(mission=make_mission(state=state)))


def test_resumed_mission_runs_and_asks_anew() -> None:
    draft = draft_of(ready(1), mission=STOPPED)

    directives.resume(draft)

    assert (draft.mission.state, draft.mission.is_paused, draft.mission.help) == (MissionState.RUNNING, False, None)
    assert draft.mission.blocked_reason is None


def test_running_mission_with_nothing_held_cannot_be_resumed() -> None:
    with pytest.raises(ConflictError, match="nothing to resume"):
        directives.resume(draft_of(ready(1)))


def test_running_mission_goes_on_with_what_is_held() -> None:
    draft = draft_of(handed_in(1, hold="stuck", pull=passed()))

    directives.resume(draft)

    assert one(draft).hold is None


def test_held_items_get_all_their_tries_anew() -> None:
    spent: dict[str, Any] = {"failed_attempts": 3, "fix_rounds": 5, "errors": 5, "retry_at": later(300)}
    tired = make_item(1, status=WorkStatus.BLOCKED, hold="failed 3 times", **spent)
    draft = draft_of(tired, handed_in(2, hold="not mended", fixes=(fix_request("checks"),), **spent), mission=BLOCKED)

    directives.resume(draft)

    assert (one(draft, 1).status, one(draft, 2).status) == (WorkStatus.READY, WorkStatus.BLOCKED)
    for number in (1, 2):
        item = one(draft, number)
        assert (item.hold, item.failed_attempts, item.fix_rounds, item.errors, item.retry_at) == (None, 0, 0, 0, None)


def test_what_is_held_is_looked_at_at_once_when_it_goes_on() -> None:
    item = handed_in(1, hold="closed")
    draft = draft_of(item, *all_watches(item), mission=BLOCKED)

    directives.resume(draft)

    assert {watch.next_due_at for watch in draft.watches.values()} == {NOW}


def test_held_item_that_is_being_worked_on_goes_on_as_it_is() -> None:
    item = in_work(1, hold="its review failed 3 times")
    draft = draft_of(item, make_task(item), mission=BLOCKED)

    directives.resume(draft)

    assert (one(draft).status, one(draft).hold) == (WorkStatus.RUNNING, None)


FOUND_WANTING = make_pull(checks=Verdict.FAILED, mergeable=Verdict.FAILED, review=Verdict.PASSED)
CAUSES = tuple(fix_request(cause) for cause in ("checks", "conflict", "comments"))


def approve_first(draft: Draft) -> None:
    directives.approve(draft, one(draft))


@pytest.mark.parametrize(
    "act", [directives.resume, approve_first, lambda draft: directives.note(draft, "retry: the server is up again")]
)
def test_checks_run_again_and_the_merge_is_tried_again_when_a_person_goes_on(act: Callable[[Draft], object]) -> None:
    item = handed_in(1, pull=FOUND_WANTING, fixes=CAUSES, fix_rounds=5, hold="not mended after 5 rounds")
    draft = draft_of(item, *all_watches(item), mission=BLOCKED)

    act(draft)
    after, decision = step(applied(draft.before, draft.changes()))

    assert [fix.cause for fix in one(draft).fixes] == ["comments"]
    assert after.items[item.id].pull == msgspec.structs.replace(
        FOUND_WANTING, checks=Verdict.UNKNOWN, mergeable=Verdict.UNKNOWN, is_checked_again=True
    )
    assert {want.kind: want.is_again for want in decision.wants if isinstance(want, LookAt)} == {
        kind: kind is WatchKind.PR_CHECKS for kind in WATCHED
    }


def test_checks_that_passed_are_not_run_again() -> None:
    item = handed_in(1, pull=make_pull(checks=Verdict.PASSED), hold="its review failed 3 times")
    draft = draft_of(item, *all_watches(item), mission=BLOCKED)

    directives.resume(draft)

    assert one(draft).pull == item.pull


def test_retry_also_finds_anew_what_is_to_be_mended_but_not_held() -> None:
    item = handed_in(1, pull=FOUND_WANTING, fixes=CAUSES)
    draft = draft_of(item, *all_watches(item))

    directives.note(draft, "retry")

    assert [fix.cause for fix in one(draft).fixes] == ["comments"]


def test_what_is_mended_or_merged_is_not_checked_again() -> None:
    mending = in_work(1, pull=FOUND_WANTING, submitted=HEAD, fixes=CAUSES)
    merged = handed_in(2, pull=passed(2, merged_as="c" * 40, checks=Verdict.FAILED))
    draft = draft_of(mending, merged, make_task(mending, kind=TaskKind.FIX), mission=BLOCKED)

    directives.resume(draft)

    assert (one(draft, 1).pull, one(draft, 1).fixes, one(draft, 2).pull) == (mending.pull, CAUSES, merged.pull)


def test_gate_is_opened_by_approval_only() -> None:
    gate = make_item(1, kind=WorkKind.MERGE_GATE, status=WorkStatus.BLOCKED, hold="waiting for a person")
    draft = draft_of(gate, mission=BLOCKED)

    directives.resume(draft)

    assert one(draft).hold == "waiting for a person"


# Notes


@pytest.mark.parametrize("text", ["resume", "Retry, please", "resume: go"])
def test_note_resume_goes_on(text: str) -> None:
    draft = draft_of(make_item(1, status=WorkStatus.BLOCKED, hold="failed 3 times"), mission=BLOCKED)

    told = directives.note(draft, text)

    assert told == "going on; what was held is tried again"
    assert one(draft).status is WorkStatus.READY
    assert said(draft.changes())[0] == "mission.note"


@pytest.mark.parametrize("text", ["pause", "hold on", "PAUSE!"])
def test_note_pause_stops(text: str) -> None:
    draft = draft_of(ready(1))

    directives.note(draft, text)

    assert draft.mission.is_paused


def test_note_to_a_mission_that_has_ended_is_refused() -> None:
    with pytest.raises(ConflictError, match="it has ended"):
        directives.note(make_draft(mission=make_mission(state=MissionState.FAILED)), "resume")


@pytest.mark.parametrize("text", ["", "   \n"])
def test_empty_note_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="the note is empty"):
        directives.note(draft_of(), text)


@pytest.mark.parametrize("text", ["#1: use argon2", "#1 use argon2", "#1, use argon2"])
def test_note_about_an_item_is_kept_for_its_agent(text: str) -> None:
    draft = draft_of(ready(1, notes=("first",)), ready(2))

    assert directives.note(draft, text).startswith("kept; handed to the agent of #1")
    assert (one(draft, 1).notes, one(draft, 2).notes) == (("first", text), ())


def test_any_other_note_is_kept_for_every_agent() -> None:
    draft = draft_of(ready(1), mission=make_mission(notes=("first",)))

    assert directives.note(draft, "use argon2").startswith("kept; handed to each agent")
    assert draft.mission.notes == ("first", "use argon2")


def test_note_about_an_item_that_is_done_is_for_everybody() -> None:
    draft = draft_of(make_item(1, status=WorkStatus.DONE), ready(2))

    directives.note(draft, "#1 was good")

    assert draft.mission.notes == ("#1 was good",)


# Snoozing


def test_snoozed_watch_is_left_alone_for_that_long() -> None:
    item = handed_in(1)
    draft = draft_of(item, *all_watches(item))
    watch = next(iter(draft.watches.values()))

    snoozed = directives.snooze(draft, watch.id[:12], 600)

    assert draft.watches[watch.id] == snoozed
    assert (snoozed.status, snoozed.next_due_at) == (WatchStatus.SNOOZED, later(600))
    assert said(draft.changes()) == ["watch.snoozed"]


@pytest.mark.parametrize("secs", [-1, 59, 30 * 24 * 3600 + 1, 10**30])
def test_watch_is_snoozed_for_a_minute_to_thirty_days(secs: int) -> None:
    item = handed_in(1)
    watch = make_watch(item, WatchKind.PR_CHECKS)

    with pytest.raises(InvalidInputError, match="for 60 to 2592000 seconds"):
        directives.snooze(draft_of(item, watch), watch.id, secs)


def test_watch_that_is_done_cannot_be_snoozed() -> None:
    item = handed_in(1)
    watch = make_watch(item, WatchKind.PR_CHECKS, status=WatchStatus.DONE)

    with pytest.raises(IllegalTransitionError, match="the watch is done"):
        directives.snooze(draft_of(item, watch), watch.id, 600)


@pytest.mark.parametrize("text", ["use blue", "resume", "redirect #1 to frontend"])
def test_what_waited_goes_on_with_an_answer(text: str) -> None:
    held = make_item(1, status=WorkStatus.BLOCKED, hold="which colour?")
    draft = draft_of(held, mission=STOPPED)
    told, is_resumed = directives.answer(draft, text)
    assert told
    assert is_resumed
    assert (draft.mission.state, draft.mission.is_paused, one(draft).hold) == (MissionState.RUNNING, False, None)


def test_an_answer_that_says_to_pause_pauses() -> None:
    draft = draft_of(make_item(1, status=WorkStatus.BLOCKED, hold="which colour?"))
    assert directives.answer(draft, "pause until Monday") == ("stopped; runs under way may finish", False)
    assert draft.mission.is_paused


def test_an_answer_to_a_mission_that_waits_for_nobody_is_a_note() -> None:
    draft = draft_of(ready(1))
    assert directives.answer(draft, "use blue")[1] is False
    assert draft.mission.notes == ("use blue",)
