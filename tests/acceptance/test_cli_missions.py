"""Missions as people see them: started, looked at, told things, dispatched."""

from __future__ import annotations

import re
import signal
from typing import Any

import pytest
from tests.acceptance.conftest import TownCalls, end
from tests.repositories import commit
from tests.waiting import wait_until

HELLO = 'Write it.\n\n```python file=hello.py\nprint("hello")\n```'


@pytest.fixture
def issues(town: TownCalls) -> TownCalls:
    """A town with the tutorial's issues."""
    town.issue(1, "Design auth API", "Design the authentication API schema.")
    town.issue(2, "Implement auth endpoints", "Depends on #1.")
    town.issue(3, "Write auth tests", "After #2.")
    return town


def started(town: TownCalls, *options: str) -> str:
    """Start a mission; its id."""
    mission_id = town.json("mission", "start", *options)["mission_id"]
    assert isinstance(mission_id, str)
    return mission_id


def test_start_prints_what_the_tutorial_prints(issues: TownCalls) -> None:
    lines = issues.ok("mission", "start", "-i", "1", "-i", "#2", "--issue", "3").splitlines()
    assert re.fullmatch(r"🚀 Mission started: [0-9a-f-]{36}", lines[0])
    assert lines[1:6] == [
        "📋 Objectives: 3 issues",
        "📦 Work items: 3",
        "   ⏳ Issue #1: Design auth API",
        "   ⏳ Issue #2: Implement auth endpoints (after #1)",
        "   ⏳ Issue #3: Write auth tests (after #2)",
    ]
    assert lines[-1] == "next: tt mission dispatch"


def test_options_override_the_settings_policy(issues: TownCalls) -> None:
    text = (issues.root / "tinytown.toml").read_text()
    ours = text.replace("[mission]\n", "[mission]\nmax_parallel_items = 3\nauto_merge = true\n")
    (issues.root / "tinytown.toml").write_text(ours)
    started(issues, "-i", "1", "--no-reviewer", "--watch-interval", "7")
    policy = issues.json("mission", "status")["mission"]["policy"]
    assert (policy["max_parallel_items"], policy["auto_merge"]) == (3, True)
    assert (policy["reviewer_required"], policy["watch_interval_secs"]) == (False, 7)


def test_documents_are_objectives_relative_to_where_one_is(issues: TownCalls) -> None:
    commit(issues.git, {"docs/plan.md": "# The plan\n\nDo it.\n"})
    shown = issues.ok("mission", "start", "-i", "1", "--doc", "plan.md", cwd=issues.root / "docs")
    assert "📋 Objectives: 1 issue, 1 document" in shown
    assert "   ⏳ Document docs/plan.md: The plan" in shown


def test_manifest_in_the_towns_folder_is_used(issues: TownCalls) -> None:
    (issues.root / "mission.toml").write_text('[[overrides]]\nissue = 1\nowner_role = "architect"\npriority = 10\n')
    started(issues, "-i", "1")
    item = issues.json("mission", "status")["work_items"][0]
    assert (item["owner_role"], item["priority"]) == ("architect", 10)


def test_status_has_the_names_of_the_rest_interface(issues: TownCalls) -> None:
    mission_id = started(issues, "-i", "1", "-i", "2")
    status = issues.json("mission", "status", "--run", mission_id[:6])
    assert status["mission"]["id"] == mission_id
    assert status["mission"]["objective_refs"][0] == {"type": "issue", "owner": "local", "repo": "shop", "number": 1}
    first, second = status["work_items"]
    assert second["depends_on"] == [first["id"]]
    assert (first["status"], first["kind"], first["title"]) == ("pending", "design", "Design auth API")
    assert status["watches"] == []
    summary = {"total_work_items": 2, "pending": 2, "ready": 0, "assigned": 0, "running": 0, "blocked": 0, "done": 0}
    assert status["summary"] == {**summary, "active_watches": 0}


def test_status_says_loudly_that_no_dispatcher_runs(issues: TownCalls) -> None:
    started(issues, "-i", "1")
    shown = issues.ok("mission", "status", "--work", "--watch", "--dispatcher", "--events")
    assert "NO DISPATCHER RUNS: the mission does not move; start one: tt mission dispatch" in shown
    assert "🚧 Watch Items: 0" in shown
    assert "🆘 Help: not needed" in shown
    assert "⏳ Issue #1: Design auth API [pending" in shown


def test_why_names_what_an_item_waits_for(issues: TownCalls) -> None:
    started(issues, "-i", "1", "-i", "2")
    assert "waits for #1 (Design auth API), which is pending" in issues.ok("mission", "why", "2")
    found = issues.json("mission", "why", "#2")
    assert found["work_item"]["key"] == "#2"
    assert found["reasons"] == ["waits for #1 (Design auth API), which is pending"]


def test_mission_is_stopped_and_resumed_by_a_prefix_or_without_naming_it(issues: TownCalls) -> None:
    mission_id = started(issues, "-i", "1")
    assert "stopped" in issues.ok("mission", "stop", mission_id[:4])
    assert issues.json("mission", "status")["mission"]["is_paused"] is True
    assert issues.json("mission", "resume")["is_paused"] is False
    log = [event.split(": ", 1)[1] for event in issues.json("mission", "status")["events"]]
    assert "a person stopped the mission" in log
    assert "a person resumed the mission" in log
    assert issues.json("mission", "list")["missions"][0]["id"] == mission_id


def test_which_mission_must_be_said_when_several_are_active(issues: TownCalls) -> None:
    ids = [started(issues, "-i", "1"), started(issues, "-i", "2")]
    done = issues.tt("mission", "status")
    assert done.returncode == 2
    assert all(mission_id[:8] in done.stderr for mission_id in ids)
    assert issues.json("mission", "list")["count"] == 2


def test_issue_is_in_one_mission_at_a_time(issues: TownCalls) -> None:
    mission_id = started(issues, "-i", "1")
    done = issues.tt("mission", "start", "-i", "1")
    assert done.returncode == 1
    assert f"#1 is in mission {mission_id[:8]} already" in done.stderr
    assert issues.json("mission", "list")["count"] == 1


def test_note_is_kept_and_shown(issues: TownCalls) -> None:
    mission_id = started(issues, "-i", "1")
    issues.ok("mission", "note", mission_id, "mind the gap")
    assert "   note: mind the gap" in issues.ok("mission", "status")


@pytest.mark.parametrize(("secs", "code", "told"), [("600", 1, "no watch 'ffff'"), ("59", 2, "59 is not in the range")])
def test_watch_that_cannot_be_snoozed_is_told(issues: TownCalls, secs: str, code: int, told: str) -> None:
    started(issues, "-i", "1")
    done = issues.tt("mission", "snooze", "ffff", secs)
    assert (done.returncode, told in done.stderr) == (code, True)


def test_one_tick_assigns_to_a_fitting_agent(issues: TownCalls) -> None:
    issues.ok("spawn", "designer", "--cli", "demo")
    wait_until(lambda: issues.agent("designer")["state"] == "idle", "designer is idle")
    started(issues, "-i", "1", "-i", "2")
    done = issues.tt("mission", "dispatch", "--once")
    assert (done.returncode, done.stdout) == (0, "looked at 1 active mission\n")
    assert "action=item.assigned" in done.stderr
    first, second = issues.json("mission", "status")["work_items"]
    assert first["assigned_name"] == "designer"
    assert second["status"] == "pending"
    assert issues.json("status")["dispatchers"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dispatcher_that_is_asked_to_end_takes_its_heartbeat_back(issues: TownCalls, number: signal.Signals) -> None:
    dispatcher = issues.start("mission", "dispatch")
    wait_until(lambda: alive_dispatchers(issues), "the dispatcher is heard of")
    assert alive_dispatchers(issues)[0]["pid"] == dispatcher.pid
    code, _, err = end(dispatcher, number)
    assert code == 0, err
    assert alive_dispatchers(issues) == []


def alive_dispatchers(town: TownCalls) -> list[dict[str, Any]]:
    return [found for found in town.json("status")["dispatchers"] if found["is_alive"]]


def test_dispatcher_that_was_killed_is_not_counted_on(issues: TownCalls) -> None:
    dispatcher = issues.start("mission", "dispatch")
    wait_until(lambda: alive_dispatchers(issues), "the dispatcher is heard of")
    dispatcher.kill()
    dispatcher.communicate()
    started(issues, "-i", "1")
    assert alive_dispatchers(issues) == []
    assert "no dispatcher runs, missions do not move" in issues.ok("status")


def test_stop_ends_dispatchers_too(issues: TownCalls) -> None:
    dispatcher = issues.start("mission", "dispatch")
    wait_until(lambda: alive_dispatchers(issues), "the dispatcher is heard of")
    assert f"dispatcher: stopped (pid {dispatcher.pid})" in issues.ok("stop")
    assert dispatcher.wait(timeout=10) == 0
    dispatcher.communicate()


def test_run_ends_with_the_mission_completed_and_merged(town: TownCalls) -> None:
    town.issue(1, "Implement hello", HELLO)
    town.ok("spawn", "backend", "--cli", "demo")
    shown = town.ok("mission", "run", "-i", "1", "--no-reviewer", "--auto-merge")
    assert "🚀 Mission started:" in shown
    assert "completed" in shown.splitlines()[-1]
    assert town.git.blob("main", "hello.py") == b'print("hello")\n'
    assert town.json("mission", "list")["count"] == 0
    listed = town.json("mission", "list", "--all")["missions"]
    assert [(found["state"], found["completed_count"], found["work_item_count"]) for found in listed] == [
        ("completed", 1, 1)
    ]
    assert "NO DISPATCHER" not in town.ok("mission", "status", "--dispatcher"), "nothing is left to move"


def test_interrupted_run_leaves_the_mission_as_it_is(issues: TownCalls) -> None:
    running = issues.start("mission", "run", "-i", "1")
    wait_until(lambda: alive_dispatchers(issues), "it dispatches")
    code, out, err = end(running)
    assert code == 130, err
    assert "go on with: tt mission dispatch" in out + err
    assert issues.json("mission", "status")["mission"]["state"] in {"running", "blocked"}


def test_run_of_a_mission_that_is_stopped_ends_as_not_completed(issues: TownCalls) -> None:
    running = issues.start("mission", "run", "-i", "1")
    wait_until(lambda: alive_dispatchers(issues), "it dispatches")
    issues.ok("mission", "stop")
    out, err = running.communicate(timeout=30)
    assert running.returncode == 1, err
    assert "tt mission resume" in out + err


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        (("start", "-i", "1"), "start a mission"),
        (("approve", "2"), "approve an item"),
        (("reject", "2", "bad"), "reject an item"),
        (("merge", "2"), "merge an item"),
        (("note", "{mission}", "retry"), "give notes to a mission"),
        (("stop",), "stop a mission"),
        (("delete", "{mission}", "--force"), "delete a mission"),
        (("resume",), "resume a mission"),
    ],
)
def test_agent_decides_nothing_about_missions_unless_it_may_direct(
    issues: TownCalls, command: tuple[str, ...], refused: str
) -> None:
    mission = started(issues, "-i", "2")
    spawned = issues.json("spawn", "backend", "--cli", "demo")
    words = [word.format(mission=mission[:8]) for word in command]
    before = issues.json("mission", "status", "--run", mission)["mission"]

    done = issues.tt("mission", *words, TINYTOWN_AGENT_ID=spawned["agent_id"])

    assert done.returncode == 1
    assert f"an agent may not {refused}" in done.stderr
    assert "may_direct = true under [agent]" in done.stderr
    assert issues.json("mission", "list")["count"] == 1
    assert issues.json("mission", "status", "--run", mission)["mission"] == before


def test_agent_that_may_direct_decides_as_a_person_does(issues: TownCalls) -> None:
    text = (issues.root / "tinytown.toml").read_text()
    (issues.root / "tinytown.toml").write_text(text.replace("# may_direct = false", "may_direct = true"))
    mission = started(issues, "-i", "1")
    spawned = issues.json("spawn", "lead", "--cli", "demo")

    issues.ok("mission", "stop", TINYTOWN_AGENT_ID=spawned["agent_id"])

    assert issues.json("mission", "status", "--run", mission)["mission"]["state"] == "blocked"


def test_secrets_in_what_a_person_tells_a_mission_are_not_stored(issues: TownCalls) -> None:
    mission = started(issues, "-i", "1")
    secret = {"SHOP_TOKEN": "correct-horse"}

    issues.ok("mission", "note", mission[:8], "log in with correct-horse", cwd=None, **secret)

    shown = issues.ok("mission", "status", "--run", mission, "--json")
    assert "correct-horse" not in shown
    assert "log in with [redacted]" in shown


def test_checks_are_run_as_they_are_configured_when_they_run(town: TownCalls) -> None:
    """A host that runs since before a check was mended does not run the old one again."""
    settings = town.root / "tinytown.toml"
    written = settings.read_text()
    settings.write_text(written.replace("checks = []", 'checks = [["false"]]'))
    town.git.run("commit", "--quiet", "-am", "Check nothing")
    town.issue(1, "Implement hello", HELLO)
    town.ok("spawn", "backend", "--cli", "demo")
    running = town.start("mission", "run", "-i", "1", "--no-reviewer", "--auto-merge")
    wait_until(lambda: "must be mended" in town.tt("mission", "status", "--events").stdout, "the check failed")
    settings.write_text(written.replace("checks = []", 'checks = [["true"]]'))
    run = town.json("mission", "list")["missions"][0]["id"]
    town.ok("mission", "note", run, "retry")
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, (out, err)
    assert town.git.blob("main", "hello.py") == b'print("hello")\n'


def test_dispatcher_that_runs_asks_for_checks_that_were_configured_since(town: TownCalls) -> None:
    town.issue(1, "Implement hello", HELLO)
    dispatcher = town.start("mission", "dispatch")
    wait_until(lambda: any((town.root / ".tt" / "dispatchers").glob("*")), "the dispatcher runs")
    settings = town.root / "tinytown.toml"
    settings.write_text(settings.read_text().replace("checks = []", 'checks = [["sh", "-c", "exit 7"]]'))
    town.git.run("commit", "--quiet", "-am", "Check")
    mission = started(town, "-i", "1", "--no-reviewer", "--auto-merge")

    town.ok("spawn", "backend", "--cli", "demo")

    told = "must be mended (checks)"
    wait_until(lambda: told in town.ok("mission", "status", "--run", mission, "--events"), "the check failed")
    assert end(dispatcher)[0] in {0, 130}
