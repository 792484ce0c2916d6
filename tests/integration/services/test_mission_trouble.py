from __future__ import annotations

import traceback
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.integration.services.paper import ISSUE, MISSION, NO_ROUTE, an_item, log_of, start, the_item
from tests.properties.mission_town import START, PaperTown

from tinytown.domain.errors import (
    ForgeError,
    ProblemsError,
    StoreError,
)
from tinytown.domain.ids import CONDUCTOR, derive_id
from tinytown.domain.mission import MissionState
from tinytown.domain.refs import DocRef
from tinytown.domain.task import Report
from tinytown.domain.workitem import Verdict, WorkStatus
from tinytown.planner import directives
from tinytown.planner.help import ask
from tinytown.services.planning import Plan, Planning
from tinytown.store.codec import encode
from tinytown.store.inbox import Inbox


@pytest.fixture
def town(paper_town: PaperTown) -> PaperTown:
    return paper_town


OTHER = "00000000-0000-4000-8000-000000000003"


def start_other(town: PaperTown) -> None:
    """A second mission, whose one item nobody works on yet."""
    start(town, items=(an_item(id=derive_id(OTHER, "item"), mission_id=OTHER),), mission_id=OTHER)


def damage(town: PaperTown) -> None:
    """The record of the first mission cannot be read any more."""
    town.missions._connection.execute("HSET", town.keys("mission", MISSION, "work"), "odd", "{}")


def test_every_problem_is_told_when_an_outside_issue_cannot_be_read(town: PaperTown, tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("# Plan\n\nDepends on acme/other#9.\n")
    town.forge.trouble = [ForgeError("issue 9 has broken front matter")]
    plan = Plan(mission_id=MISSION, objectives=(DocRef("gone.md"), DocRef("plan.md")), manifest=None, roles=frozenset())

    with pytest.raises(ProblemsError) as caught:
        Planning(town.forge, tmp_path).compile(plan, START)

    first, second = caught.value.problems
    assert "gone.md cannot be read" in first
    assert second == "issue 9 has broken front matter"


def test_broken_mission_does_not_keep_others_waiting(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    damage(town)
    start_other(town)

    town.dispatchers[0].tick(is_full=True)

    assert [item.status for item in town.read().items.values()] == [WorkStatus.ASSIGNED]


def test_broken_mission_is_tried_again_later_and_goes_on_when_it_is_mended(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    damage(town)
    town.dispatchers[0].tick(is_full=True)
    town.missions._connection.execute("HDEL", town.keys("mission", MISSION, "work"), "odd")

    town.pass_time(29)
    town.dispatchers[0].tick(is_full=True)
    assert the_item(town).status is WorkStatus.PENDING
    town.pass_time(1)
    town.dispatchers[0].tick(is_full=True)

    assert the_item(town).status is WorkStatus.ASSIGNED


def test_mission_in_trouble_says_so_and_asks_for_help_when_that_lasts(town: PaperTown) -> None:
    start(town, items=(an_item(status=WorkStatus.BLOCKED, submitted="a" * 40),))
    town.forge.trouble = [StoreError("no memory left")] * 100

    for _ in range(20):
        town.dispatchers[0].tick(is_full=True)
        town.pass_time(30)

    mission = town.read().mission
    assert (mission.state, mission.blocked_reason) == (MissionState.BLOCKED, "no memory left")
    (question,) = Inbox(town.missions._connection, town.keys).waiting(CONDUCTOR)
    assert "no memory left" in question.text
    assert len(town.forge.trouble) > 90, "it is tried less and less often"


def test_mission_goes_on_after_trouble_as_if_nothing_had_been(town: PaperTown) -> None:
    start(town, items=(an_item(status=WorkStatus.BLOCKED, submitted="a" * 40),))
    town.forge.trouble = [StoreError("no memory left")]
    town.dispatchers[0].tick(is_full=True)
    assert town.read().mission.help is not None

    town.pass_time(30)
    town.dispatchers[0].tick(is_full=False)

    assert the_item(town).pull is not None
    assert town.read().mission.help is None


def test_person_need_not_wait_until_a_mission_in_trouble_is_tried_again(town: PaperTown) -> None:
    start(town, items=(an_item(status=WorkStatus.BLOCKED, submitted="a" * 40),))
    town.forge.trouble = [StoreError("no memory left")]
    town.dispatchers[0].tick(is_full=True)

    town.tell(lambda draft: directives.note(draft, "resume"))
    town.dispatchers[0].tick(is_full=False)

    assert the_item(town).pull is not None


def test_file_that_cannot_be_read_is_an_outcome_too(town: PaperTown) -> None:
    start(town, items=(an_item(status=WorkStatus.BLOCKED, submitted="a" * 40),))
    town.forge.trouble = [OSError(5, "Input/output error", "issues/0001-login.md")]

    town.step(0)

    assert (the_item(town).errors, the_item(town).hold) == (1, None)
    told = [event.text for event in town.missions.events(MISSION) if event.type == "forge.failed"]
    assert "issues/0001-login.md: Input/output error" in told[0]


def test_sweep_does_not_plan_a_mission_before_it_is_due(town: PaperTown) -> None:
    start(town, ISSUE)
    town.forge.trouble = [NO_ROUTE]
    town.dispatchers[0].tick(is_full=True)

    town.pass_time(29)
    town.dispatchers[0].tick(is_full=True)
    assert town.read().mission.state is MissionState.PLANNING
    town.pass_time(1)
    town.dispatchers[0].tick(is_full=True)

    assert town.read().mission.state is not MissionState.PLANNING


def test_mission_that_cannot_be_planned_for_long_asks_for_help(town: PaperTown) -> None:
    start(town, ISSUE)
    town.forge.trouble = [NO_ROUTE] * 100

    for _ in range(20):
        town.dispatchers[0].tick(is_full=True)
        town.pass_time(30)

    (question,) = Inbox(town.missions._connection, town.keys).waiting(CONDUCTOR)
    assert "no route to the forge" in question.text
    assert town.read().mission.state is MissionState.PLANNING


def test_checks_that_could_not_be_run_are_run_again_when_a_person_says_so(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    town.step(0)
    town.claim("backend")
    town.end_run("backend", Report.COMPLETED, commits=True)
    head = next(iter(town.forge.branches.values()))
    town.forge.judge(head, Verdict.UNKNOWN)
    town.step(0)
    assert the_item(town).hold is not None

    town.tell(directives.resume)
    town.step(0)

    assert head not in town.forge.unrunnable
    pull = the_item(town).pull
    assert pull is not None
    assert (the_item(town).hold, pull.checks) == (None, Verdict.PENDING)


# A bug in the planner


def start_with_a_bug(town: PaperTown) -> None:
    """An item that depends on none of the mission's: no compiled mission has one, and the planner fails on it."""
    start(town, items=(an_item(status=WorkStatus.READY, depends_on=("nowhere",)),))


def test_bug_in_one_mission_does_not_keep_others_waiting(town: PaperTown) -> None:
    start_with_a_bug(town)
    start_other(town)

    town.dispatchers[0].tick(is_full=True)

    assert [item.status for item in town.read().items.values()] == [WorkStatus.ASSIGNED]


def test_mission_that_meets_a_bug_says_so_and_asks_for_help_when_that_lasts(town: PaperTown) -> None:
    start_with_a_bug(town)

    for _ in range(20):
        town.dispatchers[0].tick(is_full=True)
        town.pass_time(30)

    mission = town.read().mission
    assert mission.state is MissionState.BLOCKED
    assert mission.blocked_reason == "the dispatcher met a bug with it: KeyError: 'nowhere'; its log has the traceback"
    assert "mission.blocked" in log_of(town)
    (question,) = Inbox(town.missions._connection, town.keys).waiting(CONDUCTOR)
    assert "KeyError" in question.text


def test_mission_that_meets_a_bug_is_tried_less_and_less_often_at_most_each_five_minutes(town: PaperTown) -> None:
    start_with_a_bug(town)
    tries: list[datetime] = []

    with capture_logs() as logs:
        for _ in range(200):
            seen = len(logs)
            town.dispatchers[0].tick(is_full=True)
            if any(line["action"] == "dispatcher_bug" for line in logs[seen:]):
                tries.append(town.now)
            town.pass_time(30)

    pauses = [(after - before).total_seconds() for before, after in pairwise(tries)]
    assert pauses[:4] == [30, 30, 60, 120]
    assert max(pauses) == 300
    assert len(tries) <= 28, "each five minutes, and when help is due"


def test_bug_is_logged_with_its_traceback(town: PaperTown) -> None:
    start_with_a_bug(town)

    with capture_logs() as logs:
        town.dispatchers[0].tick(is_full=True)

    (line,) = (line for line in logs if line["action"] == "dispatcher_bug")
    assert (line["log_level"], line["mission"]) == ("error", MISSION[:8])
    assert "in_order" in "".join(traceback.format_exception(line["exc_info"]))


def test_mission_goes_on_when_the_bug_is_mended(town: PaperTown) -> None:
    start_with_a_bug(town)
    town.dispatchers[0].tick(is_full=True)
    mended = encode(an_item(status=WorkStatus.READY))
    town.missions._connection.execute("HSET", town.keys("mission", MISSION, "work"), an_item().id, mended)

    town.pass_time(30)
    town.dispatchers[0].tick(is_full=True)

    assert the_item(town).status is WorkStatus.ASSIGNED
    assert (town.read().mission.state, town.read().mission.help) == (MissionState.RUNNING, None)


# Questions


def test_question_that_nobody_needs_to_answer_any_more_is_taken_from_the_inbox(town: PaperTown) -> None:
    start(town, items=(an_item(status=WorkStatus.BLOCKED, hold="failed 3 times"),))
    inbox = Inbox(town.missions._connection, town.keys)
    town.step(0)
    assert "failed 3 times" in inbox.waiting(CONDUCTOR)[0].text

    town.tell(directives.resume)

    assert inbox.waiting(CONDUCTOR) == []


def test_mission_that_fails_while_it_is_planned_takes_its_question_back(town: PaperTown) -> None:
    start(town, DocRef("gone.md"))
    town.forge.trouble = [NO_ROUTE] * 100
    inbox = Inbox(town.missions._connection, town.keys)
    for _ in range(20):
        town.tell(lambda draft: ask(draft, ("no route",), first_at=town.now))
    assert len(inbox.waiting(CONDUCTOR)) == 1

    town.step(0)

    assert town.read().mission.state is MissionState.FAILED
    assert inbox.waiting(CONDUCTOR) == []


def test_question_of_a_mission_that_is_deleted_is_taken_from_the_inbox(town: PaperTown) -> None:
    start(town, items=(an_item(status=WorkStatus.BLOCKED, hold="failed 3 times"),))
    inbox = Inbox(town.missions._connection, town.keys)
    town.step(0)
    assert len(inbox.waiting(CONDUCTOR)) == 1

    town.missions.delete(MISSION, town.now, is_forced=True, reason="gone")

    assert inbox.waiting(CONDUCTOR) == []
