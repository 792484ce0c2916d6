from __future__ import annotations

from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from tests.integration.services.paper import ISSUE, MISSION, NO_ROUTE, an_item, log_of, start, the_item
from tests.properties.mission_town import START, PaperTown
from tests.properties.paper_forge import KilledError

from tinytown.domain.errors import (
    ConflictError,
    ForgeError,
    StaleError,
)
from tinytown.domain.forge import ForgeTraits
from tinytown.domain.mission import MissionState
from tinytown.domain.refs import DocRef
from tinytown.domain.task import Report, TaskKind
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import Verdict, WorkItem, WorkStatus
from tinytown.planner import directives
from tinytown.planner.draft import Draft
from tinytown.services import commits, outside
from tinytown.services.commits import command


@pytest.fixture
def town(paper_town: PaperTown) -> PaperTown:
    return paper_town


# Planning


def test_mission_whose_forge_was_away_is_planned_when_it_is_back(town: PaperTown) -> None:
    start(town, ISSUE, blocked_reason="no route")

    town.step(0)

    mission = town.read().mission
    assert (mission.state, mission.blocked_reason) == (MissionState.RUNNING, None)
    assert [item.key for item in town.read().items.values()] == ["#1"]
    assert town.missions.brief(MISSION, the_item(town).id).title == "acme/shop#1"
    assert the_item(town).status is WorkStatus.ASSIGNED or "mission.started" in log_of(town)


def test_mission_whose_forge_is_still_away_says_so_and_tries_again_later(town: PaperTown) -> None:
    start(town, ISSUE)
    town.forge.trouble = [NO_ROUTE]

    town.step(0)

    mission = town.read().mission
    assert (mission.state, mission.blocked_reason) == (MissionState.PLANNING, "no route to the forge")
    assert mission.next_wake_at == START + timedelta(seconds=30)
    assert (town.due().missions, town.due().next_at) == ((), START + timedelta(seconds=30))


@pytest.mark.parametrize(("waited", "pause"), [(0, 30), (100, 100), (9999, 300)])
def test_pauses_between_tries_to_plan_grow_up_to_five_minutes(town: PaperTown, waited: int, pause: int) -> None:
    start(town, ISSUE)
    town.pass_time(waited)
    town.forge.trouble = [NO_ROUTE]

    town.step(0)

    assert town.due().next_at == town.now + timedelta(seconds=pause)


def test_mission_that_turns_out_to_be_wrong_fails_with_every_problem(town: PaperTown) -> None:
    start(town, DocRef("gone.md"), DocRef("also-gone.md"))

    town.step(0)

    mission = town.read().mission
    assert mission.state is MissionState.FAILED
    assert mission.blocked_reason is not None
    assert "gone.md cannot be read" in mission.blocked_reason
    assert "also-gone.md cannot be read" in mission.blocked_reason
    assert "\n" not in mission.blocked_reason
    assert (town.due().active, log_of(town)) == ((), ["mission.failed"])


def test_forge_that_refuses_to_tell_of_an_outside_issue_fails_the_mission_not_the_dispatcher(
    town: PaperTown, tmp_path: Path
) -> None:
    (tmp_path / "plan.md").write_text("# Plan\n\nDepends on acme/other#9.\n")
    start(town, DocRef("plan.md"))
    town.forge.trouble = [ForgeError("no rights to read acme/other")]

    town.step(0)

    mission = town.read().mission
    assert (mission.state, mission.blocked_reason) == (MissionState.FAILED, "no rights to read acme/other")


def test_warnings_of_a_mission_planned_later_are_kept_in_its_log(town: PaperTown, tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("# Plan\n\nDepends on acme/nowhere#77.\n")
    start(town, DocRef("plan.md"))

    town.step(0)

    assert town.read().mission.state in {MissionState.RUNNING, MissionState.BLOCKED}
    assert log_of(town)[0] == "mission.started"


def test_stopped_mission_is_not_planned(town: PaperTown) -> None:
    start(town, ISSUE)
    town.tell(lambda draft: directives.stop(draft, is_forced=False))

    town.step(0)

    assert town.read().mission.state is MissionState.BLOCKED
    assert town.read().items == {}


# Deciding


def test_step_brings_a_mission_as_far_as_it_goes(town: PaperTown) -> None:
    start(town, items=(an_item(),))

    town.step(0)
    town.claim("backend")
    town.end_run("backend", Report.COMPLETED, commits=True)
    town.step(0)

    (pull,) = town.forge.pulls.values()
    assert the_item(town).pull is not None
    town.forge.judge(town.forge.head(pull), Verdict.PASSED)
    town.pass_time(180)
    town.step(0)
    assert the_item(town).review_task_id is not None


def test_mission_of_another_dispatcher_is_left_alone(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    town.step(0)
    before = town.read()

    assert not town.step(1)
    assert town.read() == before


def test_mission_that_has_ended_is_left_alone(town: PaperTown) -> None:
    start(town, items=(an_item(status=WorkStatus.DONE),))
    town.step(0)
    version = town.read().mission.version

    assert town.step(0)
    assert town.read().mission.version == version


def test_what_was_wanted_is_done_by_another_dispatcher_when_one_is_killed(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    town.step(0)
    town.claim("backend")
    town.end_run("backend", Report.COMPLETED, commits=True)
    town.forge.trouble = [KilledError("killed")]
    town.forge.is_trouble_late = True

    town.step(0)
    assert (len(town.forge.pulls), the_item(town).pull) == (1, None)
    assert town.due().missions == (MISSION,)
    town.step(1)

    assert len(town.forge.pulls) == 1
    assert the_item(town).pull is not None


def test_outcome_survives_a_persons_command_in_between(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    town.step(0)
    town.claim("backend")
    town.end_run("backend", Report.COMPLETED, commits=True)
    town.forge.interlude = lambda: _noted(town)

    town.step(0)

    assert the_item(town).pull is not None
    assert town.read().mission.notes == ("use argon2",)


def _noted(town: PaperTown) -> None:
    town.tell(lambda draft: directives.note(draft, "use argon2"))


def test_work_is_given_to_another_when_its_agent_took_other_work_in_between(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    town.interlude = lambda: town.stop_agent("backend")

    town.step(0)

    assert the_item(town).assigned_to == town.agent_ids["worker"]


@pytest.mark.parametrize(
    ("error", "is_held"),
    [(NO_ROUTE, False), (ConflictError("moved"), False), (ForgeError("no rights"), True)],
)
def test_refusal_of_the_forge_is_an_outcome(town: PaperTown, error: Exception, *, is_held: bool) -> None:
    start(town, items=(an_item(),))
    town.step(0)
    town.claim("backend")
    town.end_run("backend", Report.COMPLETED, commits=True)
    town.forge.trouble = [error]

    town.step(0)

    item = the_item(town)
    assert item.errors == 1
    assert (item.hold is not None) is is_held
    assert (item.retry_at is None) is is_held


def test_bot_that_objects_has_the_item_mended(town: PaperTown) -> None:
    town.forge.watch_kinds = (*town.forge.watch_kinds, WatchKind.BUGBOT_COMMENTS)
    start(town, items=(an_item(),))
    town.step(0)
    town.claim("backend")
    town.end_run("backend", Report.COMPLETED, commits=True)
    town.forge.commented[next(iter(town.forge.branches.values()))] = Verdict.FAILED

    town.step(0)

    (task,) = town.read().tasks.values()
    assert (task.spec.kind, task.spec.causes) == (TaskKind.FIX, ("comments",))
    assert "bot objects:\n\nnit" in task.spec.instructions


# A person's commands


def test_command_is_planned_again_when_the_mission_moved_on(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    seen: list[int] = []

    def act(draft: Draft) -> None:
        seen.append(draft.mission.version)
        if len(seen) < 3:
            _noted(town)
        directives.stop(draft, is_forced=False)

    command(town.missions, MISSION, act, lambda: town.now)

    assert seen == [1, 2, 3]
    assert town.read().mission.is_paused


def test_command_gives_up_when_the_mission_moves_on_each_time(town: PaperTown) -> None:
    start(town, items=(an_item(),))

    def act(draft: Draft) -> None:
        _noted(town)
        directives.stop(draft, is_forced=False)

    with pytest.raises(StaleError, match="changes faster than the command"):
        command(town.missions, MISSION, act, lambda: town.now)
    assert not town.read().mission.is_paused
    assert len(town.read().mission.notes) == commits.MAX_TRIES


def test_command_that_is_refused_writes_nothing(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    before = town.read()

    with pytest.raises(ConflictError):
        command(town.missions, MISSION, directives.resume, lambda: town.now)
    assert town.read() == before


def test_command_makes_the_mission_due_at_once(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    town.step(0)
    town.missions.defer(town.read(), None)
    assert town.due().missions == ()

    _noted(town)

    assert town.due().missions == (MISSION,)


# When the next tick is


def test_mission_put_off_by_a_step_is_due_when_that_said(town: PaperTown) -> None:
    start(town, items=(an_item(status=WorkStatus.READY, retry_at=START + timedelta(seconds=1)),))

    due = town.dispatchers[0].tick(is_full=False)

    assert due.next_at == START + timedelta(seconds=1)


class Swap:
    """Of two agents always the one is stopped that a decision has just been made for."""

    def __init__(self, town: PaperTown) -> None:
        self.times = 0
        self._town = town
        self._gone, self._there = "worker", "backend"
        town.stop_agent(self._gone)

    def __call__(self) -> None:
        self.times += 1
        self._town.start_agent(self._gone)
        self._town.stop_agent(self._there)
        self._gone, self._there = self._there, self._gone
        self._town.interlude = self


def test_mission_whose_decisions_are_refused_again_and_again_has_a_rest(town: PaperTown) -> None:
    start(town, items=(an_item(),))
    town.interlude = swap = Swap(town)

    due = town.dispatchers[0].tick(is_full=False)

    assert the_item(town).status is WorkStatus.PENDING
    assert swap.times <= 6, "three decisions, and looks at the clock besides"
    assert due.next_at == START + timedelta(seconds=1)


# More than one step bears


def test_what_a_step_leaves_undone_is_done_at_once_in_the_next(
    town: PaperTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = tuple(_told_of(number) for number in (1, 2, 3))
    start(town, items=items, traits=ForgeTraits(has_status=True))
    monkeypatch.setattr(outside, "monotonic", count(step=3.0).__next__)  # each look at the clock finds it 3 s later

    next_at = town.dispatchers[0].tick(is_full=True).next_at

    assert len(town.forge.told) == 1
    assert next_at == town.now, "nobody would wake the dispatcher: nothing else happened"
    for _ in range(2):
        town.dispatchers[0].tick(is_full=False)
    assert len(town.forge.told) == 3


def _told_of(number: int) -> WorkItem:
    """A held item with an issue that nothing was said at yet."""
    named = {"id": f"00000000-0000-4000-8000-00000000001{number}", "key": f"#{number}"}
    ref = f"acme/shop#{number}"
    return an_item(**named, source_ref=ref, branch=f"tt/{number}", status=WorkStatus.BLOCKED, hold="by a person")
