from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.planner.world import (
    AT_WORK,
    HEAD,
    MISSION_ID,
    NEXT_HEAD,
    NOW,
    fix_request,
    handed_in,
    in_work,
    later,
    make_agent,
    make_draft,
    make_item,
    make_mission,
    make_pull,
    make_snapshot,
    make_task,
    passed,
    ready,
    said,
    step,
)

from tinytown.domain.forge import ForgeTraits
from tinytown.domain.mission import Mission, MissionState
from tinytown.domain.pull import Merged
from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import OutsideDependency, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner import directives
from tinytown.planner.snapshot import Snapshot
from tinytown.planner.status_note import MARKER, MOST_QUOTED, digest, text_of
from tinytown.planner.telling import UNSURE, UNTELLABLE, is_owed, tell
from tinytown.planner.tick import Decision
from tinytown.planner.wants import Outcome, Refused, Tell, Told

DONE = WorkStatus.DONE
WORKING = make_task(in_work(1))


def telling(**fields: Any) -> Mission:
    """A mission on a forge whose issues have comments."""
    return make_mission(traits=ForgeTraits(has_status=True), **fields)


def text(item: WorkItem, *things: WorkItem, **policy: Any) -> str:
    return text_of(make_draft(item, *things, make_agent("backend"), mission=telling(policy=policy)), item)


def tells(decision: Decision) -> list[Tell]:
    return [want for want in decision.wants if isinstance(want, Tell)]


def seen(item: WorkItem, *things: Any, mission: Mission | None = None, **at: Any) -> tuple[Snapshot, Decision]:
    return step(make_snapshot(item, *things, AT_WORK, mission=mission or telling()), **at)


# What it says


def test_comment_says_state_agent_pull_request_and_marks() -> None:
    item = handed_in(1, pull=make_pull(7, url="https://github.com/acme/shop/pull/7", checks=Verdict.FAILED))

    assert text(item) == (
        "**Being checked** · agent `backend` · [pull request 7](https://github.com/acme/shop/pull/7)\n\n"
        "❌ checks · ⬜ review · ⬜ merge\n"
    )


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (in_work(1), "**In work** · agent `backend`\n"),
        (ready(1), "**Waiting**\n\nWaits for an agent.\n"),
        (make_item(1), "**Waiting**\n"),
        (handed_in(1, pull=None, assigned_to=None), "**Handed in**\n"),
        (handed_in(1, pull=passed(1, merged_as=HEAD), assigned_to=None), "**To be merged** "),
        (make_item(1, status=DONE), "**Done**\n"),
        (handed_in(1, status=DONE, pull=passed(1), assigned_to=None), "**Ready to be merged** "),
        (handed_in(1, status=DONE, pull=passed(1, is_open=False), assigned_to=None), "**Done** "),
        (handed_in(1, status=DONE, pull=passed(1, merged_as=HEAD), assigned_to=None), "**Merged** "),
        (handed_in(1, pull=passed(1, is_queued=True), assigned_to=None), "**In the merge queue** "),
    ],
)
def test_comment_says_in_words_where_the_work_stands(item: WorkItem, told: str) -> None:
    if item.is_merged:
        told = "**Merged** "
    assert text(item).startswith(told)


@pytest.mark.parametrize(
    ("item", "waits"),
    [
        (handed_in(1, hold="hook failed: /home/me/secret"), "a person: `tt mission why 1` says why"),
        (handed_in(1, fixes=(fix_request("checks"), fix_request("review"))), "its agent to mend: checks, review"),
        (handed_in(1, pull=make_pull(1, checks_note="`@x` closes #5")), "`'@x' closes #5`"),
        (handed_in(1, pull=passed(1, people=Verdict.FAILED, people_by="ann")), "`ann`"),
        (handed_in(1, pull=passed(1, mergeable=Verdict.PENDING, mergeable_note="blocked")), "`blocked`"),
    ],
)
def test_comment_says_what_it_waits_for_and_quotes_others_harmlessly(item: WorkItem, waits: str) -> None:
    assert text(item).endswith(f"\n\nWaits for {waits}.\n")


@pytest.mark.parametrize("pull", [make_pull(1), passed(1, mergeable=Verdict.UNKNOWN), passed(1, people=Verdict.FAILED)])
def test_comment_adds_nothing_to_a_state_that_says_all(pull: Any) -> None:
    assert "Waits for" not in text(handed_in(1, pull=pull))


def test_comment_names_what_it_depends_on_without_linking_it() -> None:
    outside = OutsideDependency(ref=IssueRef("acme", "other", 9), is_open=True, checked_at=NOW)
    item = make_item(3, needs=[1, 2], waits_for=(outside,))

    told = text(item, in_work(1), make_item(2, status=DONE))

    assert told.endswith("Waits for `#1`, `acme/other#9`.\n")


def test_words_of_others_are_cut() -> None:
    told = text(handed_in(1, pull=make_pull(1, checks_note="x" * 999)))

    assert f"`{'x' * (MOST_QUOTED - 1)}…`" in told


def test_agent_without_a_printable_name_is_somebody() -> None:
    agent = make_agent("backend")
    nameless = msgspec.structs.replace(agent, spec=msgspec.structs.replace(agent.spec, name=" "))
    item = handed_in(1, pull=None)

    assert "agent `?`" in text_of(make_draft(item, nameless, mission=telling()), item)


@pytest.mark.parametrize(
    ("item", "marks"),
    [
        (handed_in(1, pull=passed(1, review=Verdict.UNKNOWN), approved_head=HEAD), "✅ checks · ✅ review · ✅ merge"),
        (handed_in(1, kind=WorkKind.DESIGN, pull=passed(1, review=Verdict.UNKNOWN)), "✅ checks · ✅ merge"),
        (handed_in(1, kind=WorkKind.DESIGN, pull=passed(1, people=Verdict.FAILED)), "✅ checks · ❌ review · ✅ merge"),
    ],
)
def test_comment_marks_a_review_where_one_is_asked_for_or_given(item: WorkItem, marks: str) -> None:
    assert marks in text(item)


# When it is told


def test_issue_is_told_when_somebody_begins_its_work() -> None:
    item = in_work(1)

    _, decision = seen(item, WORKING)

    (want,) = tells(decision)
    assert (want.ref, want.marker) == (IssueRef("acme", "shop", 1), MARKER)
    assert want.text == "**In work** · agent `backend`\n"


@pytest.mark.parametrize(
    "item",
    [
        ready(1),
        make_item(1),
        make_item(1, status=DONE),
        in_work(1, source_ref="docs/plan.md"),
        in_work(1, told=UNTELLABLE),
        in_work(1, told=digest("**In work** · agent `backend`\n")),
    ],
)
def test_nothing_is_told_of_what_has_not_begun_or_has_no_issue_or_was_said(item: WorkItem) -> None:
    _, decision = seen(item, make_item(2, needs=[1]), WORKING)

    assert tells(decision) == []


def test_forge_without_comments_is_told_nothing() -> None:
    _, decision = seen(in_work(1), WORKING, mission=make_mission())

    assert tells(decision) == []


def test_what_was_told_is_remembered_and_is_no_change_of_the_item() -> None:
    item = in_work(1, updated_at=later(-100))
    first, decision = seen(item, WORKING)
    (want,) = tells(decision)

    after, again = step(first, Outcome(want=want, found=Told()))

    now = after.items[item.id]
    assert (now.told, now.tell_at, now.updated_at) == (digest(want.text), later(15), later(-100))
    assert tells(again) == []


@pytest.mark.parametrize(("secs", "times"), [(0, 0), (14, 0), (15, 1)])
def test_changes_in_quick_succession_are_told_together(secs: float, times: int) -> None:
    item = handed_in(1, told="before", tell_at=later(15))

    _, decision = seen(item, now=later(secs))

    assert len(tells(decision)) == times
    assert times or decision.wake_at == later(15)


def test_end_of_the_work_is_told_at_once() -> None:
    item = handed_in(1, status=DONE, pull=passed(1, merged_as=NEXT_HEAD), told="before", tell_at=later(15))

    _, decision = seen(item)

    assert [want.text[:10] for want in tells(decision)] == ["**Merged**"]


@pytest.mark.parametrize(
    ("refused", "told", "secs"),
    [
        (Refused(reason="502", is_temporary=True), UNSURE, 300),
        (Refused(reason="used up", is_temporary=True, not_before=later(900)), UNSURE, 900),
        (Refused(reason="used up", is_temporary=True, not_before=later(1)), UNSURE, 30),
    ],
)
def test_comment_that_could_not_be_written_now_is_written_later_and_holds_nothing(
    refused: Refused, told: str, secs: float
) -> None:
    first, decision = seen(in_work(1), WORKING)

    after, again = step(first, Outcome(want=tells(decision)[0], found=refused))

    now = after.items[in_work(1).id]
    assert (now.told, now.tell_at, now.hold, now.errors) == (told, later(secs), None, 0)
    assert (tells(again), again.wake_at) == ([], later(secs))


def test_comment_that_can_never_be_written_is_said_once_and_given_up() -> None:
    first, decision = seen(in_work(1), WORKING)
    locked = Outcome(want=tells(decision)[0], found=Refused(reason="locked", is_temporary=False))

    after, again = step(first, locked)

    now = after.items[in_work(1).id]
    assert (now.told, now.hold, tells(again)) == (UNTELLABLE, None, [])
    assert said(again.changes) == ["status.refused"]


def test_comment_that_could_not_be_written_is_tried_again_when_a_person_resumes_the_mission() -> None:
    held = in_work(1, told=UNTELLABLE, hold="the token may not do that")
    draft = make_draft(held, WORKING, make_agent("backend"), mission=telling())

    directives.resume(draft)

    tell(draft)
    assert [want.text for want in draft.wants if isinstance(want, Tell)] == [text(in_work(1))]


def test_answer_of_another_kind_tells_nothing() -> None:
    first, decision = seen(in_work(1), WORKING)

    after, _ = step(first, Outcome(want=tells(decision)[0], found=Merged(sha=HEAD)))

    assert after.items[in_work(1).id].told == ""


def test_comment_of_what_is_gone_is_forgotten() -> None:
    want = Tell(item_id="gone", ref=IssueRef("acme", "shop", 9), marker=MARKER, text="x")

    after, _ = step(make_snapshot(in_work(1), WORKING, AT_WORK), Outcome(want=want, found=Told()))

    assert after.items[in_work(1).id].told == ""


@pytest.mark.parametrize(
    ("told", "traits", "state", "owed"),
    [
        ("before", ForgeTraits(has_status=True), MissionState.COMPLETED, True),
        (UNTELLABLE, ForgeTraits(has_status=True), MissionState.COMPLETED, False),
        ("before", ForgeTraits(), MissionState.COMPLETED, False),
        ("before", ForgeTraits(has_status=True), MissionState.FAILED, False),
    ],
)
def test_mission_that_is_over_is_followed_until_its_end_is_told(
    told: str,
    traits: ForgeTraits,
    state: MissionState,
    owed: bool,  # noqa: FBT001  a parameter of the table
) -> None:
    item = handed_in(1, status=DONE, pull=passed(1, merged_as=NEXT_HEAD), told=told)

    assert is_owed(make_snapshot(item, mission=make_mission(traits=traits, state=state))) is owed
    assert item.mission_id == MISSION_ID
