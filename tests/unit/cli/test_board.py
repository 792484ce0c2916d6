"""The board: what is drawn of a mission, for the room there is."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from rich.console import Console
from tests.unit.planner.world import MISSION_ID, NOW, item_id, make_item, make_pull

from tinytown.cli.picture import svg
from tinytown.cli.render.board import board, clock
from tinytown.domain.agent import Agent, AgentSpec, AgentState
from tinytown.domain.mission import Mission, MissionEvent, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.task import Task, TaskKind, TaskSpec, TaskState
from tinytown.domain.workitem import FixRequest, Verdict, WorkItem, WorkKind, WorkStatus
from tinytown.services.missions import MissionView

LATER = NOW + timedelta(seconds=67)


def make_agent(name: str, state: AgentState = AgentState.IDLE, task_id: str | None = None) -> Agent:
    spec = AgentSpec(id=f"id-{name}", name=name, cli="demo", role=name, created_at=NOW)
    return Agent(spec=spec, state=state, since=NOW, task_id=task_id)


def make_task(kind: TaskKind, number: int) -> Task:
    spec = TaskSpec(id=f"task-{number}", kind=kind, title="Do it", created_at=NOW, item_id=item_id(number))
    return Task(spec=spec, state=TaskState.RUNNING, updated_at=NOW)


def event(text: str, type_: str = "item.ready", item: int | None = None, at: datetime = NOW) -> MissionEvent:
    return MissionEvent(at=at, type=type_, text=text, item_id=item_id(item) if item else None)


def make_view(
    *items: WorkItem,
    agents: Iterable[Agent] = (),
    tasks: Iterable[Task] = (),
    why: dict[int, str] | None = None,
    events: Iterable[MissionEvent] = (),
    **mission: object,
) -> MissionView:
    record = Mission(
        id=MISSION_ID,
        objective_refs=(),
        state=MissionState.RUNNING,
        policy=MissionPolicy(),
        created_at=NOW,
        updated_at=NOW,
    )
    return MissionView(
        mission=msgspec.structs.replace(record, **mission),
        items=items,
        watches=(),
        tasks={task.id: task for task in tasks},
        agents={agent.id: agent for agent in agents},
        why={item_id(number): (text,) for number, text in (why or {}).items()},
        events=tuple(events),
    )


def drawn(view: MissionView, *, width: int = 80, height: int | None = None, now: datetime = LATER) -> list[str]:
    """The board's lines as a terminal of that width shows them, without the frame at their sides."""
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(board(view, now, width=width, height=height))
    return [line.strip("│").strip() for line in captured.get().splitlines()]


def line_of(lines: list[str], key: str) -> str:
    return next(line for line in lines if f"{key} " in line)


def test_item_shows_state_agent_marks_and_time_on_one_line_and_why_on_the_next() -> None:
    pull = make_pull(checks=Verdict.PASSED, review=Verdict.FAILED, mergeable=Verdict.PENDING)
    item = make_item(2, title="Add login", status=WorkStatus.RUNNING, assigned_to="id-backend", pull=pull)
    began = event("#2 goes to backend", "item.assigned", 2, at=NOW + timedelta(seconds=7))
    lines = drawn(make_view(item, agents=[make_agent("backend")], why={2: "backend works on it"}, events=[began]))
    at = next(number for number, line in enumerate(lines) if "#2 Add login" in line)
    assert lines[at].split()[1:] == ["#2", "Add", "login", "running", "backend", "✓", "✗", "…", "1:00"]
    assert lines[at + 1] == "backend works on it"


def test_merged_item_shows_its_commit_and_how_long_it_took() -> None:
    pull = make_pull(checks=Verdict.PASSED, review=Verdict.PASSED, merged_as="4f1c2ab89d" + "0" * 30)
    item = make_item(1, status=WorkStatus.DONE, pull=pull, updated_at=NOW + timedelta(seconds=5))
    began = event("#1 goes to backend", "item.assigned", 1)
    lines = drawn(make_view(item, events=[began]))
    assert line_of(lines, "#1").split()[-4:] == ["✓", "✓", "4f1c2ab", "0:05"]
    assert "1 of 1 done" in lines[1]


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": WorkStatus.PENDING}, "pending"),
        ({"status": WorkStatus.READY}, "ready"),
        ({"status": WorkStatus.ASSIGNED}, "assigned"),
        ({"status": WorkStatus.BLOCKED}, "checks"),
        ({"status": WorkStatus.BLOCKED, "pull": make_pull(checks=Verdict.PASSED)}, "review"),
        (
            {"status": WorkStatus.BLOCKED, "pull": make_pull(checks=Verdict.PASSED, review=Verdict.PASSED)},
            "merge",
        ),
        ({"status": WorkStatus.BLOCKED, "kind": WorkKind.DESIGN, "pull": make_pull(checks=Verdict.PASSED)}, "merge"),
        ({"status": WorkStatus.BLOCKED, "hold": "tried 3 times"}, "held"),
        (
            {
                "status": WorkStatus.BLOCKED,
                "fixes": (FixRequest(cause="checks", head="a" * 40, text="tests fail", since=NOW),),
            },
            "to mend",
        ),
        ({"status": WorkStatus.DONE, "hold": "forgotten"}, "done"),
    ],
)
def test_state_of_a_blocked_item_says_what_blocks_it(fields: dict[str, Any], state: str) -> None:
    line = line_of(drawn(make_view(make_item(1, title="Thing", **fields))), "#1")
    assert line.partition("Thing")[2].lstrip().startswith(state)


def test_review_that_the_policy_does_not_ask_for_has_no_mark() -> None:
    item = make_item(1, title="Plan", kind=WorkKind.DESIGN, pull=make_pull(checks=Verdict.PASSED))
    assert line_of(drawn(make_view(item)), "#1").split()[-3:] == ["✓", "-", "·"]


def test_review_under_way_is_marked_as_pending() -> None:
    item = make_item(1, status=WorkStatus.BLOCKED, review_task_id="task-1", pull=make_pull(checks=Verdict.PASSED))
    assert line_of(drawn(make_view(item)), "#1").split()[-4:] == ["✓", "…", "·", "1:07"]


def test_agents_are_listed_with_what_they_do_busy_ones_first() -> None:
    agents = [make_agent("ann"), make_agent("zoe", AgentState.WORKING, "task-2")]
    lines = drawn(make_view(make_item(2), agents=agents, tasks=[make_task(TaskKind.FIX, 2)]))
    assert "agents  zoe mends #2   ann idle" in lines


def test_agents_that_do_not_fit_are_counted() -> None:
    agents = [make_agent(f"worker-{number}") for number in range(20)]
    line = line_of(drawn(make_view(make_item(1), agents=agents)), "agents")
    assert line.endswith("+16")
    assert len(line) <= 76


def test_mission_that_waits_says_why_and_the_items_stay_in_their_place() -> None:
    item = make_item(1)
    waiting = drawn(make_view(item, state=MissionState.BLOCKED, blocked_reason="#1: checks still running"))
    moving = drawn(make_view(item))
    assert waiting[2] == "#1: checks still running"
    assert [line for line in waiting if "thing 1" in line] == [line for line in moving if "thing 1" in line]
    assert len(waiting) == len(moving)


def test_stopped_mission_says_how_to_go_on() -> None:
    lines = drawn(make_view(make_item(1), is_paused=True))
    assert f"tt mission resume {MISSION_ID[:8]}" in lines[2]
    assert "stopped" in lines[0]


def test_ended_mission_shows_the_time_it_took_however_late_it_is_drawn() -> None:
    ended = make_view(state=MissionState.COMPLETED, updated_at=NOW + timedelta(seconds=9))
    assert "completed  0:09 " in drawn(ended, now=NOW + timedelta(hours=3))[0]


def test_last_events_are_shown_without_those_that_the_state_shows_anyway() -> None:
    events = [event(f"happening {number}") for number in range(30)] + [event("mission is blocked", "mission.blocked")]
    shown = [line for line in drawn(make_view(make_item(1), events=events)) if line.startswith("12:00:00")]
    assert shown == [f"12:00:00  happening {number}" for number in range(18, 30)]


@pytest.mark.parametrize("height", [12, 16, 24, 50])
@pytest.mark.parametrize("width", [80, 120, 40])
def test_board_keeps_within_the_terminal(width: int, height: int) -> None:
    items = [make_item(n, title="A title that is longer than any column " * 3, needs=[1]) for n in range(1, 200)]
    why = dict.fromkeys(range(1, 200), "waits for something that takes very long to be described " * 3)
    events = [event("An event that is told with very many words " * 4)] * 30
    view = make_view(*items, why=why, events=events, agents=[make_agent("backend")])
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(board(view, LATER, width=width, height=height))
    lines = captured.get().splitlines()
    assert len(lines) <= height
    assert {len(line) for line in lines} == {width}


def test_more_items_than_lines_show_the_active_ones_first_and_count_the_rest() -> None:
    items = [make_item(n, status=WorkStatus.DONE) for n in range(1, 31)]
    items += [make_item(n) for n in range(31, 61)]
    items += [make_item(61, status=WorkStatus.RUNNING), make_item(62, status=WorkStatus.BLOCKED, hold="asks")]
    lines = drawn(make_view(*items), height=20)
    assert [line.split()[1] for line in lines if " thing " in line][:3] == ["#62", "#61", "#31"]
    rest = next(line for line in lines if "more:" in line)
    shown = sum(" thing " in line for line in lines)
    assert rest == f"… and {62 - shown} more: {32 - shown} pending, 30 done"


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    item = make_item(1, title="\x1b[2Jgone\nand more")
    assert "\x1b" not in "".join(drawn(make_view(item, events=[event("bad \x1b]0;title\x07")])))


def test_what_is_in_work_turns() -> None:
    view = make_view(make_item(1, status=WorkStatus.RUNNING))
    marks = {line_of(drawn(view, now=NOW + timedelta(milliseconds=250 * turn)), "#1")[0] for turn in range(4)}
    assert len(marks) == 4


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (timedelta(0), "0:00"),
        (timedelta(seconds=-2), "0:00"),
        (timedelta(seconds=59.9), "0:59"),
        (timedelta(minutes=12, seconds=3), "12:03"),
        (timedelta(days=1, minutes=2, seconds=3), "24:02:03"),
    ],
)
def test_elapsed_time_reads_like_a_stop_watch(length: timedelta, shown: str) -> None:
    assert clock(length) == shown


def test_picture_of_the_board_fetches_nothing() -> None:
    text = svg(make_view(make_item(1, title="Add login")), datetime(2026, 1, 5, 12, 1, tzinfo=UTC))
    assert "Add&#160;login" in text
    assert "url(" not in text.replace("url(#", "")
    assert "@font-face" not in text


def small_view(count: int) -> MissionView:
    items = [make_item(n, title=f"Add page {n}", status=WorkStatus.RUNNING) for n in range(1, count + 1)]
    why = dict.fromkeys(range(1, count + 1), "backend works on it")
    events = [event(f"happening {number}") for number in range(30)]
    return make_view(
        *items,
        why=why,
        events=events,
        agents=[make_agent("backend")],
        state=MissionState.BLOCKED,
        blocked_reason="#1: checks still running",
    )


@pytest.mark.parametrize(("count", "height", "least"), [(3, 13, 3), (9, 13, 8), (20, 13, 8), (9, 9, 4), (9, 6, 2)])
def test_a_small_terminal_shows_items_before_all_else(count: int, height: int, least: int) -> None:
    lines = drawn(small_view(count), width=50, height=height)
    assert len(lines) <= height
    assert sum("Add page" in line for line in lines) >= least
    assert f"0 of {count} done" in lines[1]


def test_a_narrow_terminal_shows_what_an_item_is_and_its_state_in_full() -> None:
    line = line_of(drawn(small_view(3), width=50, height=13), "#2")
    assert line.split()[1:] == ["#2", "Add", "page", "2", "running"]


def test_a_small_terminal_with_few_items_shows_why_and_what_it_waits_for() -> None:
    lines = drawn(small_view(2), width=50, height=13)
    assert "#1: checks still running" in lines
    assert lines.count("backend works on it") == 2
    assert "12:00:00  happening 29" in lines
