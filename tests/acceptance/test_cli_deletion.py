"""Ending a mission for good."""

from __future__ import annotations

from tests.acceptance.conftest import TownCalls, end
from tests.waiting import wait_until

HELLO = 'Write it.\n\n```python file=hello.py\nprint("hello")\n```'
BRANCH = "tt/1-implement-hello"


def start(town: TownCalls) -> str:
    town.issue(1, "Implement hello", HELLO)
    mission_id = town.json("mission", "start", "-i", "1")["mission_id"]
    assert isinstance(mission_id, str)
    return mission_id


def test_stopped_mission_goes_on_when_resumed_and_gives_its_issues_free_when_deleted(town: TownCalls) -> None:
    mission = start(town)
    town.ok("mission", "stop", mission[:8])
    assert town.json("mission", "resume", mission[:8])["is_paused"] is False
    town.ok("mission", "stop", mission[:8])
    assert town.tt("mission", "start", "-i", "1").returncode == 1

    refused = town.tt("mission", "delete", mission[:8])
    assert (refused.returncode, "give --force" in refused.stderr) == (1, True)
    deleted = town.json("mission", "delete", mission[:8], "--force")

    assert deleted == {"mission_id": mission, "deleted": True, "cancelled_tasks": 0, "kept": []}
    assert town.json("mission", "list", "--all")["count"] == 0
    assert town.tt("mission", "status", "--run", mission).returncode == 1
    town.ok("mission", "start", "-i", "1")


def test_what_a_deleted_mission_made_and_nobody_merged_is_kept_and_named(town: TownCalls) -> None:
    town.issue(1, "Implement hello", HELLO)
    town.ok("spawn", "backend", "--cli", "demo")
    town.ok("mission", "run", "-i", "1", "--no-reviewer")
    head = town.git.rev_parse(BRANCH)
    mission = town.json("mission", "list", "--all")["missions"][0]["id"]

    shown = town.ok("mission", "delete", mission[:8])

    assert f"Mission {mission[:8]} is deleted" in shown
    assert f"kept: #1 on branch {BRANCH} (1 commit not merged)" in shown
    folder = town.root / ".tt/worktrees/1-implement-hello"
    assert str(folder) in shown
    assert (folder / "hello.py").exists()
    assert town.git.rev_parse(BRANCH) == head
    assert town.json("mission", "list", "--all")["count"] == 0


def test_what_is_merged_leaves_no_worktree(town: TownCalls) -> None:
    town.issue(1, "Implement hello", HELLO)
    town.ok("spawn", "backend", "--cli", "demo")
    town.ok("mission", "run", "-i", "1", "--no-reviewer", "--auto-merge")
    mission = town.json("mission", "list", "--all")["missions"][0]["id"]

    assert town.json("mission", "delete", mission)["kept"] == []
    assert not (town.root / ".tt/worktrees/1-implement-hello").exists()


def test_agent_at_work_on_a_deleted_mission_is_stopped_and_the_dispatcher_goes_on(town: TownCalls) -> None:
    town.ok("spawn", "backend", "--cli", "demo", TINYTOWN_DEMO_DELAY_SECS="60")
    mission = start(town)
    dispatcher = town.start("mission", "dispatch")
    try:
        wait_until(lambda: town.agent("backend")["state"] == "working", "it works", timeout_secs=30)

        deleted = town.json("mission", "delete", mission, "--force")

        assert deleted["cancelled_tasks"] == 1
        assert [kept["why"] for kept in deleted["kept"]] in (
            [],
            ["an agent was at it, and is being stopped"],
        )
        wait_until(lambda: town.agent("backend")["state"] == "idle", "its run is ended", timeout_secs=30)
        assert town.json("task", "list", "--state", "cancelled")["count"] == 1
    finally:
        code, _, err = end(dispatcher)
    assert code == 0, err
    assert "action=mission_trouble" not in err
