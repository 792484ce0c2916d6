"""What a person does with an item that is done and not merged: merges it, by command or by hand, or sends it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.acceptance.conftest import TownCalls, end
from tests.repositories import commit
from tests.waiting import wait_until

HELLO = """Write it.

```python file=hello.py
print("hello")
```

```python file=hello.py when=fix
print("HELLO")
```
"""
BRANCH = "tt/1-implement-hello"


@pytest.fixture
def ready(town: TownCalls) -> TownCalls:
    """A town whose mission is completed; its one item is ready to merge."""
    town.issue(1, "Implement hello", HELLO)
    town.ok("spawn", "backend", "--cli", "demo")
    town.ok("mission", "run", "-i", "1", "--no-reviewer", "--watch-interval", "1")
    assert town.git.blob("main", "hello.py") is None
    assert the_item(town)["status"] == "done"
    return town


def the_item(town: TownCalls, number: int = 0) -> dict[str, Any]:
    run = town.json("mission", "list", "--all")["missions"][-1]["id"]
    item = town.json("mission", "status", "--run", run)["work_items"][number]
    assert isinstance(item, dict)
    return item


def is_issue_closed(town: TownCalls) -> bool:
    return b"state: closed" in (town.git.blob("main", "issues/0001-issue.md") or b"")


@contextmanager
def dispatching(town: TownCalls) -> Iterator[None]:
    dispatcher = town.start("mission", "dispatch")
    try:
        yield
    finally:
        end(dispatcher)


def conductor(town: TownCalls) -> list[str]:
    return [message["text"] for message in town.json("inbox", "conductor")["messages"]]


def test_ready_item_is_merged_by_command_which_closes_its_issue(ready: TownCalls) -> None:
    shown = ready.ok("mission", "merge", "1")

    assert f"merged as {ready.git.rev_parse('main')[:10]}" in shown
    assert ready.git.blob("main", "hello.py") == b'print("hello")\n'
    assert is_issue_closed(ready)
    assert ready.git.dirty_files() == ()
    assert ready.json("mission", "list")["count"] == 0
    again = ready.tt("mission", "merge", "1")
    assert (again.returncode, "#1 is merged already" in again.stderr) == (1, True)


def test_item_that_no_longer_merges_cleanly_is_mended_and_not_merged_behind_ones_back(ready: TownCalls) -> None:
    commit(ready.git, {"hello.py": "print('mine')\n"}, "Mine")
    mine = ready.git.rev_parse("main")

    shown = ready.ok("mission", "merge", "1")

    assert "is not merged yet" in shown
    assert "(conflict)" in shown
    assert ready.git.rev_parse("main") == mine
    assert ready.json("mission", "list")["missions"][0]["state"] in {"running", "blocked"}


def test_item_that_is_not_ready_is_not_merged_and_says_why(town: TownCalls) -> None:
    town.issue(1, "Implement hello", HELLO)
    town.ok("mission", "start", "-i", "1")
    done = town.tt("mission", "merge", "1")
    assert done.returncode == 1
    assert "#1 cannot be merged yet" in done.stderr


def test_done_item_is_sent_back_with_the_reason_and_mended_by_its_agent(ready: TownCalls) -> None:
    before = ready.git.rev_parse(BRANCH)
    assert "is rejected; it is blocked" in ready.ok("mission", "reject", "1", "louder, please")

    with dispatching(ready):
        wait_until(lambda: ready.git.rev_parse(BRANCH) != before, "the agent mended it", timeout_secs=30)
        wait_until(lambda: the_item(ready)["status"] == "done", "it is ready again", timeout_secs=30)

    assert ready.git.blob(BRANCH, "hello.py") == b'print("HELLO")\n'
    assert ready.git.blob("main", "hello.py") is None
    assert ready.json("mission", "list")["count"] == 0
    prompts = [file.read_text() for file in (ready.root / ".tt/runs").glob("*.prompt.md")]
    assert any("louder, please" in prompt for prompt in prompts)


def test_item_of_a_completed_mission_is_not_sent_back_while_another_mission_has_its_issue(ready: TownCalls) -> None:
    first = ready.json("mission", "list", "--all")["missions"][0]["id"]
    second = ready.json("mission", "start", "-i", "1")["mission_id"]

    done = ready.tt("mission", "reject", "1", "louder", "--run", first)

    assert done.returncode == 1
    assert f"#1 is in mission {second[:8]} already" in done.stderr
    assert ready.json("mission", "list")["count"] == 1


def test_merge_by_hand_is_noticed_and_closes_the_issue(ready: TownCalls) -> None:
    ready.git.run("merge", "--quiet", "--no-edit", BRANCH)
    merge = ready.git.rev_parse("main")

    with dispatching(ready):
        wait_until(lambda: is_issue_closed(ready), "the issue is closed", timeout_secs=30)
        wait_until(lambda: the_item(ready)["pull"]["merged_as"], "the item knows", timeout_secs=30)

    assert ready.git.is_ancestor(merge, "main")
    assert ready.git.dirty_files() == ()
    assert ready.git.current_branch() == "main"
    assert "done: merged as" in ready.ok("mission", "why", "1")
    done = ready.tt("mission", "reject", "1", "too late")
    assert (done.returncode, "#1 is merged already" in done.stderr) == (1, True)


def test_checkout_that_is_left_behind_by_a_merge_is_told_to_the_conductor_once(town: TownCalls) -> None:
    town.issue(1, "Implement hello", HELLO)
    (town.root / "README.md").write_text("in the middle of something\n")
    town.ok("spawn", "backend", "--cli", "demo")

    town.ok("mission", "run", "-i", "1", "--no-reviewer", "--auto-merge", "--allow-dirty")

    told = [text for text in conductor(town) if "detached" in text]
    assert len(told) == 1
    assert "run `git switch main` there" in told[0]
    assert str(town.root) in told[0]
