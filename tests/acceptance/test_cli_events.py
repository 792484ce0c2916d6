"""What happened and what was done, as `tt events` and `tt history` tell it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from tests.acceptance.conftest import TownCalls
from tests.acceptance.test_cli_tasks import HELLO, done
from tests.waiting import wait_until


class Lines:
    """What a `tt` prints, as it prints it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.all: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.all.append(line.rstrip("\n"))

    def has(self, part: str) -> bool:
        return any(part in line for line in self.all)

    def join(self) -> None:
        self._thread.join(30)


@contextmanager
def following(town: TownCalls, *args: str) -> Iterator[Lines]:
    process = town.start("events", "-f", *args)
    lines = Lines(process)
    try:
        yield lines
    finally:
        process.kill()
        lines.join()
        process.communicate()


def decoded(lines: list[str]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in lines]


def test_events_are_shown_with_names_and_short_ids(town: TownCalls) -> None:
    nothing = town.tt("events")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "nothing has happened yet\n")
    town.ok("spawn", "backend", "--cli", "demo")
    task = done(town, HELLO)

    shown = town.ok("events").splitlines()
    (assigned,) = [line for line in shown if "task.assigned" in line]
    assert assigned.split()[1:] == ["task.assigned", "backend", "(task", f"{task[:8]})"]
    assert shown.index(assigned) > next(i for i, line in enumerate(shown) if "agent.spawned" in line)
    assert town.ok("events", "-n", "1").splitlines() == shown[-1:]
    none = town.tt("events", "-n", "0")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "")
    unfitting = town.tt("events", "--json", "--type", "mission")
    assert (unfitting.returncode, unfitting.stdout) == (0, "")
    assert unfitting.stderr == "no event that is kept fits; for all of them: tt events\n"
    told = town.ok("events", "--agent", "conductor").splitlines()
    assert [line.split()[1:] for line in told] == [["message.sent", "conductor", "from", "backend"]]


def test_events_are_lines_of_json_for_programs(town: TownCalls) -> None:
    town.ok("spawn", "backend", "--cli", "demo")
    task = done(town, HELLO)
    events = decoded(town.ok("events", "--json", "--type", "task.", "--agent", "backend").splitlines())
    assert [event["type"] for event in events] == ["task.assigned", "task.reported", "task.completed"]
    assert {event["task_id"] for event in events} == {task}
    assert {event["agent_name"] for event in events} == {"backend"}
    assert set(events[0]) == {
        *("id", "at", "type", "text", "mission_id", "item_id", "agent_id", "agent_name", "task_id", "target")
    }


def test_unknown_agents_and_missions_are_refused(town: TownCalls) -> None:
    for option, what in (("--agent", "no agent 'nobody'"), ("--mission", "no mission 'nobody'")):
        refused = town.tt("events", option, "nobody")
        assert (refused.returncode, what in refused.stderr) == (1, True)
    assert town.tt("events", "-n", "-1").returncode == 2


def test_followed_events_come_until_interrupted(town: TownCalls) -> None:
    town.ok("send", "conductor", "before")
    with following(town) as lines:
        wait_until(lambda: lines.has("message.sent"), "what was before is shown")
        town.ok("spawn", "backend", "--cli", "demo")
        wait_until(lambda: lines.has("agent.idle"), "what happens is shown")
        lines.process.send_signal(2)
        assert lines.process.wait(30) == 0
        assert lines.process.stderr is not None
        assert lines.process.stderr.read() == ""


def test_only_what_is_wanted_is_followed_also_after_the_server_was_gone(town: TownCalls) -> None:
    town.ok("spawn", "backend", "--cli", "demo")
    wait_until(lambda: town.agent("backend")["state"] == "idle", "it is idle")
    town.ok("send", "conductor", "nought")
    with following(town, "-n", "1", "--type", "message.", "--json") as lines:
        wait_until(lambda: len(lines.all) == 1, "it follows")
        town.ok("send", "conductor", "one")
        wait_until(lambda: len(lines.all) == 2, "the first came")
        town.ok("stop")
        town.ok("send", "conductor", "two")
        wait_until(lambda: len(lines.all) == 3, "the second came")
        assert [(e["type"], e["agent_name"]) for e in decoded(lines.all)] == [("message.sent", "conductor")] * 3


def test_following_ends_when_nobody_reads(town: TownCalls) -> None:
    process = town.start("events", "-f", "-n", "0")
    assert process.stdout is not None
    process.stdout.close()
    town.ok("send", "conductor", "one")
    town.ok("send", "conductor", "two")
    assert process.wait(30) == 141
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()


def test_history_is_what_was_done_the_last_first(town: TownCalls) -> None:
    assert "nothing has ended yet" in town.ok("history")
    town.ok("spawn", "backend", "--cli", "demo")
    town.ok("spawn", "frontend", "--cli", "demo")
    failed, completed = done(town, "make tea"), done(town, HELLO)
    town.ok("assign", "frontend", HELLO)

    found = town.json("history", "backend")["tasks"]
    assert [(one["task_id"], one["state"], one["agent_name"]) for one in found] == [
        (completed, "completed", "backend"),
        (failed, "failed", "backend"),
    ]
    assert all(one["took_secs"] >= 0 for one in found)
    assert [one["task_id"] for one in town.json("history", "backend", "-n", "1")["tasks"]] == [completed]
    shown = town.ok("history", "backend").splitlines()
    assert shown[0] == "📜 Ended: 2"
    assert shown[1].split() == ["ENDED", "ID", "AGENT", "STATE", "TOOK", "TOKENS", "COST", "WORK", "RESULT"]
    assert completed[:8] in shown[2]
    assert found[0]["head"][:10] in shown[2]
    assert failed[:8] in shown[3]
    assert town.tt("history", "nobody").returncode == 1

    town.ok("kill", "backend", "--force")
    town.ok("prune")
    assert [one["agent_name"] for one in town.json("history")["tasks"] if one["task_id"] == failed] == ["backend"]
    for command in (("history",), ("task", "list", "--all"), ("task", "show", failed)):
        assert "backend" in town.ok(*command)
