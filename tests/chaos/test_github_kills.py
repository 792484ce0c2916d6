"""A mission on GitHub survives `kill -9` of its host and its dispatcher at any moment: what is done there is done once.

GITHUB_KILLS (default 6) is how many kills there are, GITHUB_SEED which; a failure tells what was killed when.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any

import msgspec
import psutil
import pytest
from tests.chaos.scenario import TOWN, ChaosTown, closed, kill
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import ISOLATED, isolate
from tests.waiting import wait_until

from tinytown.domain.mission import MissionState
from tinytown.repository.git import Git

KILLS = int(os.environ.get("GITHUB_KILLS", "6"))
SEED = int(os.environ.get("GITHUB_SEED", "1"))
LONGEST_PAUSE_SECS = 1.0
ISSUES = (
    ("Design the plan", "Write the plan.\n\n```markdown file=docs/plan.md\n# Plan\n```"),
    ("Implement app", 'Depends on #1.\n\n```python file=app.py\nprint("right")\n```'),
    ("Test app", "After #2.\n\n```python file=test_app.py\nassert True\n```"),
)
SETTINGS = "\n[agent]\nmax_nudges = 20\n[mission]\nmax_attempts = 20\nwatch_interval_secs = 1\n"


class Outside:
    """GitHub, with the test as its CI."""

    def __init__(self, github: GitHub, octo: Actor) -> None:
        self._github, self._octo = github, octo

    def pulls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._octo.call("GET", "pulls?state=all&per_page=100")
        return found

    def check(self) -> None:
        """Each new head passes."""
        for pull in self.pulls():
            head = pull["head"]["sha"]
            if pull["state"] == "open" and not self._octo.call("GET", f"commits/{head}/check-runs")["check_runs"]:
                self._octo.check(head, "success")

    def check_outcome(self) -> None:
        """One pull request for each issue, merged once; the issues closed, with one comment each."""
        pulls = sorted(self.pulls(), key=lambda pull: int(pull["number"]))
        assert [pull["merged_at"] is not None for pull in pulls] == [True] * len(ISSUES)
        merges = Git(self._github.bare.folder).items("log", "-z", "--first-parent", "--merges", "--format=%s", "main")
        assert sorted(merges) == [f"Merge pull request #{pull['number']}" for pull in pulls]
        for number in range(1, len(ISSUES) + 1):
            assert self._octo.call("GET", f"issues/{number}")["state"] == "closed"
            (said,) = self._octo.call("GET", f"issues/{number}/comments")
            assert said["body"].startswith("**Merged**")


def found_town(github: GitHub, checkout: Git) -> ChaosTown:
    """A town whose forge is the tests' GitHub."""
    town = ChaosTown(checkout.folder, delay_secs=0.1, GITHUB_TOKEN="tok-octo")
    town.tt("init", "--name", TOWN)
    forge = f'[forge]\nkind = "github"\napi_url = "{github.url}"\nrepository = "{github.slug}"\n'
    (town.root / "tinytown.toml").write_text(f'[town]\nname = "{TOWN}"\n{forge}{SETTINGS}')
    (town.root / ".gitignore").write_text(".tt/\n")
    town.git.run("add", "--all")
    town.git.run("commit", "--quiet", "-m", "Found the town", env=ISOLATED)
    town.git.run("push", "--quiet", "origin", "main")
    for name in ("designer", "backend", "tester"):
        town.tt("spawn", name, "--cli", "demo", "--role", name)
    return town


@pytest.mark.timeout(120)
def test_mission_on_github_is_done_once_whatever_is_killed(
    github: GitHub, checkout: Git, octo: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch)
    github.rules.require("main", "ci")
    outside, chance = Outside(github, octo), random.Random(SEED)  # noqa: S311  it is to be repeatable
    for title, body in ISSUES:
        octo.issue(title, body)
    killed: list[tuple[str, float]] = []
    town = found_town(github, checkout)
    with closed(town):
        started = town.tt("mission", "start", "--auto-merge", "--json", "-i", "1", "-i", "2", "-i", "3")
        mission, began = str(msgspec.json.decode(started)["mission_id"]), time.monotonic()
        dispatcher = town.dispatch()

        def lives_until(moment: float) -> bool:
            outside.check()
            return town.is_in(mission, MissionState.COMPLETED) or time.monotonic() >= moment

        while len(killed) < KILLS and not town.is_in(mission, MissionState.COMPLETED):
            moment = time.monotonic() + chance.random() * LONGEST_PAUSE_SECS
            wait_until(lambda moment=moment: lives_until(moment), "the moment has come")  # type: ignore[misc]  # a default
            victim: psutil.Process | None = dispatcher
            if (name := chance.choice(("dispatcher", "dispatcher", "host"))) == "host":
                victim = town.host
            if victim is not None and kill(victim):
                killed.append((name, round(time.monotonic() - began, 2)))
            if name == "dispatcher":
                dispatcher = town.dispatch()
        try:
            wait_until(lambda: lives_until(float("inf")), "the mission is completed", timeout_secs=90)
        except AssertionError as late:
            raise AssertionError(f"{late}, killed: {killed}\n{town.story()}") from None
        wait_until(lambda: _is_told(octo), "every issue says how it ended", timeout_secs=30)
        assert len(killed) >= KILLS // 2, "the mission was over before anything was killed"
        outside.check_outcome()


def _is_told(octo: Actor) -> bool:
    said = [octo.call("GET", f"issues/{number}/comments") for number in range(1, len(ISSUES) + 1)]
    return all(one and one[-1]["body"].startswith("**Merged**") for one in said)
