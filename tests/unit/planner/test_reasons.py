from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.planner.world import (
    AT_WORK,
    AUTO,
    HEAD,
    NEXT_HEAD,
    NOW,
    agent_id,
    fix_request,
    handed_in,
    in_review,
    in_work,
    later,
    make_agent,
    make_draft,
    make_item,
    make_mission,
    make_pull,
    make_task,
    make_watch,
    passed,
    ready,
)

from tinytown.domain.agent import AgentState
from tinytown.domain.refs import IssueRef
from tinytown.domain.task import TaskKind, TaskState
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import OutsideDependency, PullState, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.planner.reasons import reasons


def why(item: WorkItem, *things: Any, **fields: Any) -> list[str]:
    return list(reasons(make_draft(item, *things, **fields), item))


def test_pending_item_says_what_it_waits_for() -> None:
    outside = OutsideDependency(ref=IssueRef("acme", "other", 9), is_open=True, checked_at=NOW)
    home = OutsideDependency(ref=IssueRef("acme", "shop", 8), is_open=True, checked_at=NOW)
    closed = OutsideDependency(ref=IssueRef("acme", "shop", 7), is_open=False, checked_at=NOW)
    item = make_item(3, needs=[1, 2], waits_for=(outside, home, closed))

    told = why(item, make_item(1, status=WorkStatus.DONE), in_work(2))

    assert told == [
        "waits for #2 (thing 2), which is running",
        "waits for acme/other#9, an open issue outside the mission (looked at 12:00:00 UTC)",
        "waits for #8, an open issue outside the mission (looked at 12:00:00 UTC)",
    ]


@pytest.mark.parametrize(
    ("pull", "told"),
    [
        (
            make_pull(checks=Verdict.PENDING, checks_note="waits for lint"),
            "PR #1: checks still running (waits for lint)",
        ),
        (
            make_pull(checks=Verdict.PENDING, reruns=1),
            "PR #1: checks still running, run again 1 of 2 times: they failed for reasons of their own",
        ),
        (passed(mergeable=Verdict.PENDING, mergeable_note="blocked"), "PR #1 does not merge yet: blocked"),
        (passed(mergeable=Verdict.PENDING), "PR #1: whether it merges cleanly is not known yet"),
        (
            passed(people=Verdict.FAILED, people_by="ann"),
            (
                "PR #1: ann asked for changes and has not approved since; when it may go on all the same: "
                "tt mission approve 1"
            ),
        ),
        (
            passed(people=Verdict.FAILED),
            (
                "PR #1: somebody asked for changes and has not approved since; when it may go on all the same: "
                "tt mission approve 1"
            ),
        ),
    ],
)
def test_pull_request_says_what_the_forge_says_it_waits_for(pull: PullState, told: str) -> None:
    assert why(handed_in(1, pull=pull), mission=AUTO) == [told]


def test_pull_request_waits_until_people_are_heard() -> None:
    item = handed_in(1, pull=passed(is_heard=False))

    assert why(item, make_watch(item, WatchKind.REVIEW_COMMENTS), mission=AUTO) == [
        "PR #1: what people say of it is not looked at yet; looks again at 12:03:00 UTC at the latest"
    ]


def test_pending_item_whose_dependencies_are_done_waits_for_the_dispatcher() -> None:
    assert why(make_item(1)) == ["its dependencies are done; the dispatcher makes it ready with its next step"]


def test_ready_item_says_which_agent_it_waits_for() -> None:
    assert why(ready(1), make_agent("backend")) == ["ready; the dispatcher assigns it with its next step"]
    assert why(ready(1), AT_WORK) == ["ready; waits for a free agent: backend (working)"]
    assert why(ready(1)) == ["no agent can take #1; start one: tt spawn worker"]
    assert why(ready(1, owner_role="backend")) == ["no agent can take #1; start one: tt spawn backend"]


def test_ready_item_says_that_enough_is_in_work() -> None:
    told = why(ready(3), in_work(1), in_work(2), make_agent("frontend"))

    assert told == ["ready, but 2 of at most 2 items are in work already (max_parallel_items)"]


def test_item_that_backs_off_says_until_when() -> None:
    assert why(ready(1, retry_at=later(20)), make_agent("backend"))[-1] == "tries again at 12:00:20 UTC"
    assert len(why(ready(1, retry_at=NOW), make_agent("backend"))) == 1


def test_item_in_work_says_who_is_at_it_since_when() -> None:
    item = in_work(1)
    task = make_task(item, started_at=NOW, runs=2)

    assert why(item, task, AT_WORK) == ["backend works on it since 12:00:00 UTC, run 2"]


@pytest.mark.parametrize(
    ("kind", "word"), [(TaskKind.FIX, "mends it (checks, conflict)"), (TaskKind.REVIEW, "reviews it")]
)
def test_item_in_work_says_what_is_done(kind: TaskKind, word: str) -> None:
    item = in_work(1)
    causes = ("checks", "conflict") if kind is TaskKind.FIX else ()
    task = make_task(item, kind=kind, causes=causes, started_at=NOW, runs=1)
    if kind is TaskKind.REVIEW:
        item = in_work(1, task_id=task.id)

    assert why(item, task, AT_WORK) == [f"backend {word} since 12:00:00 UTC, run 1"]


def test_item_in_an_inbox_says_whose_and_what_the_agent_does() -> None:
    item = in_work(1, status=WorkStatus.ASSIGNED)
    task = make_task(item, state=TaskState.ASSIGNED, reason="its host stopped")
    paused = make_agent("backend", state=AgentState.PAUSED, paused_until=later(60), reason="rate limited")

    assert why(item, task, AT_WORK) == ["in backend's inbox, who is working; last run: its host stopped"]
    assert why(item, make_task(item, state=TaskState.ASSIGNED), paused) == [
        "in backend's inbox, who is paused until 12:01:00 UTC (rate limited)"
    ]
    assert why(item, make_task(item, state=TaskState.ASSIGNED)) == ["in an agent that is gone's inbox, who is gone"]


def test_item_whose_task_waits_out_a_pause_says_until_when_after_what_and_how_many_tries_are_left() -> None:
    item = in_work(1, status=WorkStatus.ASSIGNED, failed_attempts=1)
    task = make_task(item, state=TaskState.ASSIGNED, reason="exit code 1", retry_at=later(20), nudges_left=2)
    review = in_review(2)
    reviewing = make_task(
        review, "reviewer", TaskKind.REVIEW, state=TaskState.ASSIGNED, reason="exit code 1", retry_at=later(20)
    )

    assert why(item, task, make_agent("backend")) == [
        "waits until 12:00:20 UTC, then backend goes on (2 more runs in try 2 of 3); last run: exit code 1"
    ]
    last = msgspec.structs.replace(task, nudges_left=1)
    assert "(1 more run in try 2 of 3)" in why(item, last, make_agent("backend"))[0]
    cold = make_agent("backend", state=AgentState.COLD)
    assert why(item, task, cold) == ["in backend's inbox, who is cold; last run: exit code 1"]
    over = msgspec.structs.replace(task, retry_at=NOW)
    assert why(item, over, make_agent("backend")) == ["in backend's inbox, who is idle; last run: exit code 1"]
    assert why(review, reviewing, make_agent("reviewer")) == [
        "waits until 12:00:20 UTC, then reviewer goes on; last run: exit code 1"
    ]


def test_item_that_met_a_setback_says_which() -> None:
    told = "backend failed (try 1 of 3): no compiler"

    assert why(ready(1, retry_at=later(20), setback=told), make_agent("backend")) == [
        "ready; the dispatcher assigns it with its next step",
        "tries again at 12:00:20 UTC",
        f"last setback: {told}",
    ]
    item = in_work(1, setback=told)
    assert why(item, make_task(item, started_at=NOW, runs=1), AT_WORK)[1:] == [f"last setback: {told}"]
    assert len(why(handed_in(1, pull=passed(), status=WorkStatus.DONE, setback=told))) == 1


def test_rejected_item_says_why_in_the_words_of_whoever_rejected_it() -> None:
    words = "rev rejected it:\n\nToo slow.\n\n- use an index\n"
    fixes = (fix_request("review", text=words), fix_request("checks", text="### tests"))
    item = handed_in(1, fixes=fixes)
    mending = in_work(1, fixes=fixes)
    watch = make_watch(item, WatchKind.PR_CHECKS, finding="CI check: failing (tests)")

    assert why(item, watch, AT_WORK)[1:] == [
        "review: rev rejected it: Too slow. - use an index",
        "checks: CI check: failing (tests)",
    ]
    assert why(mending, make_task(mending, kind=TaskKind.FIX, causes=("review",), started_at=NOW), AT_WORK)[1:] == [
        "review: rev rejected it: Too slow. - use an index"
    ]
    long = why(handed_in(1, fixes=(fix_request("review", text="no " * 400),)), AT_WORK)[1]
    assert long.endswith("no no…")
    assert len(long) <= len("review: ") + 300


def test_item_whose_task_is_not_read_says_who_has_it() -> None:
    assert why(in_work(1), AT_WORK) == ["backend has it"]


def test_held_item_says_what_a_person_must_decide() -> None:
    assert why(handed_in(1, hold="not mended after 5 rounds")) == ["needs a person: not mended after 5 rounds"]


def test_item_to_be_mended_says_who_it_waits_for() -> None:
    item = handed_in(1, fixes=(fix_request("checks"), fix_request("review")))

    words = "review: mend it"
    assert why(item, make_agent("backend")) == [
        "must be mended (checks, review); the dispatcher gives it out with its next step",
        words,
    ]
    assert why(item, AT_WORK) == ["must be mended (checks, review); waits for backend, who is working", words]
    assert why(item) == ["no agent can mend #1; start one: tt spawn worker", words]


def test_item_to_be_mended_says_that_a_review_is_under_way() -> None:
    item = in_review(1, fixes=(fix_request("checks"),))
    things = (make_task(item, "reviewer", TaskKind.REVIEW), make_agent("reviewer", state=AgentState.WORKING))

    draft = make_draft(item, *things, make_agent("backend"))

    assert reasons(draft, item) == ("must be mended (checks); waits for the review under way",)


def test_item_to_be_mended_says_that_enough_is_in_work() -> None:
    item = handed_in(3, fixes=(fix_request("checks"),))

    told = why(item, in_work(1, "x"), in_work(2, "y"), make_agent("backend"))

    assert told == ["must be mended (checks); 2 items are in work already (max_parallel_items)"]


def test_item_handed_in_says_that_its_pull_request_is_being_opened() -> None:
    assert why(handed_in(1, pull=None)) == ["handed in at aaaaaaaaaa; its pull request is being opened"]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [(Verdict.UNKNOWN, "not looked at yet"), (Verdict.PENDING, "still running"), (Verdict.FAILED, "failing")],
)
def test_item_in_checks_says_how_they_are_and_when_it_is_looked_again(verdict: Verdict, words: str) -> None:
    item = handed_in(1, pull=make_pull(checks=verdict))
    watches = [make_watch(item, WatchKind.MERGEABILITY), make_watch(item, WatchKind.PR_CHECKS)]
    failing = make_watch(item, WatchKind.PR_CHECKS, consecutive_failures=2, finding="no route")

    assert why(item) == [f"PR #1: checks {words}"]
    assert why(item, *watches) == [f"PR #1: checks {words}; looks again at 12:03:00 UTC at the latest"]
    assert why(item, failing) == [f"PR #1: checks {words}; looks again at 12:03:00 UTC at the latest (no route)"]


def test_item_in_review_says_who_reviews_it() -> None:
    item = in_review(1)
    task = make_task(item, "reviewer", TaskKind.REVIEW)
    waiting = handed_in(1, pull=make_pull(checks=Verdict.PASSED))

    assert why(item, task, make_agent("reviewer")) == ["PR #1: reviewer reviews it (running)"]
    assert why(waiting, make_agent("reviewer", state=AgentState.WORKING)) == [
        "PR #1: waits for a free reviewer: reviewer (working)"
    ]
    assert why(waiting, make_agent("backend")) == [
        "nobody can review #1; start a reviewer: tt spawn reviewer, or: tt mission approve 1"
    ]


def test_item_whose_merging_is_not_known_says_so() -> None:
    item = handed_in(1, pull=passed(mergeable=Verdict.UNKNOWN))

    assert why(item) == ["PR #1: whether it merges cleanly is not known yet"]


def test_item_ready_to_merge_says_what_comes_next() -> None:
    item = handed_in(1, pull=passed())

    assert why(item) == ["PR #1 is ready to merge"]
    assert why(item, mission=AUTO) == ["PR #1 is about to be merged (one at a time into main)"]


def test_item_that_is_done_says_what_came_of_it() -> None:
    done: dict[str, Any] = {"status": WorkStatus.DONE}

    assert why(make_item(1, kind=WorkKind.REVIEW, **done)) == ["done"]
    assert why(handed_in(1, pull=passed(), **done)) == ["done: PR #1 is ready to merge: tt mission merge 1"]
    assert why(handed_in(1, pull=passed(merged_as=NEXT_HEAD), **done)) == ["done: merged as bbbbbbbbbb"]


def test_stopped_mission_says_how_to_go_on() -> None:
    stopped = make_mission(is_paused=True)
    item = in_work(1)

    assert why(ready(1), make_agent("backend"), mission=stopped)[-1] == (
        "the mission is stopped; go on with: tt mission resume 00000000"
    )
    assert len(why(item, make_task(item, started_at=NOW), AT_WORK, mission=stopped)) == 1
    assert len(why(handed_in(1, status=WorkStatus.DONE), mission=stopped)) == 1


def test_every_item_can_say_why_whatever_its_state() -> None:
    for item in (
        make_item(1),
        ready(1),
        in_work(1),
        handed_in(1),
        handed_in(1, pull=None),
        handed_in(1, hold="x"),
        handed_in(1, assigned_to=agent_id("nobody"), fixes=(fix_request("checks", head=HEAD),)),
    ):
        assert all(why(item))
