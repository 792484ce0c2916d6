"""A whole mission on GitHub: `tt` as people run it, agents in worktrees, CI and a reviewer who take their time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.acceptance.conftest import TownCalls, end
from tests.peers.actor import Actor
from tests.peers.github import GitHub
from tests.repositories import commit
from tests.waiting import wait_until

from tinytown.repository.git import Git

PLAN = "Write the plan.\n\n```markdown file=docs/plan.md\n# Plan\n```"
CODE = """Depends on #1.

```python file=app.py
print("worng")
```

```python file=app.py when=fix:checks
print("right")
```
"""
TESTS = """After #2.

```python file=test_app.py
assert True
```

```python file=test_app.py when=fix:review
import app
```
"""


@pytest.fixture
def town(github: GitHub, checkout: Git, environment: dict[str, str]) -> Iterator[TownCalls]:
    """A town whose forge is the tests' GitHub, with three issues."""
    github.rules.require("main", "ci")
    calls = TownCalls(checkout.folder, {**environment, "GITHUB_TOKEN": "tok-octo"})
    calls.ok("init", "--name", "town")
    settings = calls.root / "tinytown.toml"
    forge = f'kind = "github"\napi_url = "{github.url}"\nrepository = "{github.slug}"'
    written = settings.read_text().replace('kind = "local"', forge)
    commit(calls.git, {".gitignore": ".tt/\n", "tinytown.toml": written}, "Make it a town")
    calls.git.run("push", "--quiet", "origin", "main")
    yield calls
    assert calls.tt("stop").returncode == 0
    wait_until(lambda: not calls.processes(), f"no process of the town is left: {calls.processes()}")


class Watched:
    """A pull request of the mission, as the people at GitHub see it."""

    def __init__(self, octo: Actor, issue: int) -> None:
        self._octo = octo
        self.issue = issue

    def now(self) -> dict[str, Any] | None:
        """It, once it is there."""
        marks = f"#{self.issue}\n"
        pulls = self._octo.call("GET", "pulls?state=all")
        found = [pull for pull in pulls if marks in f"{pull['body']}\n" and "Closes" in pull["body"]]
        assert len(found) <= 1, "never two pull requests for one issue"
        return found[0] if found else None

    def head_after(self, old: str | None = None) -> str:
        """Its head, once it is another one than `old`."""

        def new() -> bool:
            pull = self.now()
            return pull is not None and pull["head"]["sha"] != old

        wait_until(new, f"a pull request for #{self.issue} with another head than {old}", timeout_secs=60)
        pull = self.now()
        assert pull is not None
        return str(pull["head"]["sha"])

    @property
    def number(self) -> int:
        pull = self.now()
        assert pull is not None
        return int(pull["number"])

    def is_merged(self) -> bool:
        pull = self.now()
        return pull is not None and pull["merged_at"] is not None


def test_three_issues_become_three_merges(town: TownCalls, github: GitHub, octo: Actor, rev: Actor) -> None:
    run, plan, app, tests = _begun(town, octo, watch_interval=1)
    dispatcher = town.start("mission", "dispatch")

    octo.check(plan.head_after(), "success")
    wait_until(plan.is_merged, "the plan is merged", timeout_secs=60)

    first = app.head_after()
    github.jobs.logs["ci"] = "step 1\nE   SyntaxError: it says worng\n"
    octo.check(first, "failure", annotations=[_annotation("app.py", 1, "worng is not a word")])
    second = app.head_after(first)
    assert "worng is not a word" in _prompts(town)
    assert "SyntaxError: it says worng" in _prompts(town)
    octo.check(second, "success")
    wait_until(app.is_merged, "the app is merged: the town's own reviewer approved it", timeout_secs=60)

    first = tests.head_after()
    octo.comment(tests.issue, "Mind the tabs.\n\n/pause")
    rev.review(tests.number, "REQUEST_CHANGES", "not yet", on=[("test_app.py", 1, "this tests nothing")])
    octo.check(first, "success")
    second = tests.head_after(first)
    assert "this tests nothing" in _prompts(town)
    assert _prompts(town).count("Mind the tabs.") == 1
    octo.check(second, "success")
    wait_until(lambda: "rev" in town.ok("mission", "why", "3"), "it waits for the person who objected", timeout_secs=30)
    assert not tests.is_merged()
    rev.review(tests.number, "APPROVE")
    wait_until(tests.is_merged, "the tests are merged", timeout_secs=60)

    wait_until(lambda: _state(town, run) == "completed", "the mission is completed", timeout_secs=60)
    assert end(dispatcher)[0] in {0, 130}
    _check_end(github, octo, plan, app, tests)
    asked = town.json("mission", "status", "--run", run, "--dispatcher")["forge"]["requests"]
    assert asked["sent"] > asked["free"] > 0
    assert f"Requests: {asked['sent']:,}" in town.ok("mission", "status", "--run", run, "--dispatcher")


def test_webhooks_make_it_move_when_looks_are_far_apart(
    town: TownCalls, github: GitHub, octo: Actor, rev: Actor
) -> None:
    run, plan, app, tests = _begun(town, octo, watch_interval=900)
    receiver = town.start("github", "webhook", "--port", "0", TINYTOWN_WEBHOOK_SECRET="s3cret")
    assert receiver.stderr is not None
    url = next(word for line in receiver.stderr for word in line.split() if word.startswith("http")).rstrip(";")
    octo.hook(url, "s3cret")
    dispatcher = town.start("mission", "dispatch")

    for pull in (plan, app):
        octo.end_check(octo.check(pull.head_after()), "success")
        wait_until(pull.is_merged, "it is merged at once", timeout_secs=60)
    first = tests.head_after()
    rev.review(tests.number, "REQUEST_CHANGES", "not yet")
    octo.end_check(octo.check(tests.head_after(first)), "success")
    rev.review(tests.number, "APPROVE")
    wait_until(tests.is_merged, "the tests are merged", timeout_secs=60)

    wait_until(lambda: _state(town, run) == "completed", "the mission is completed", timeout_secs=60)
    assert end(dispatcher)[0] in {0, 130}
    assert end(receiver)[0] in {0, 130}
    _check_end(github, octo, plan, app, tests)


def _begun(town: TownCalls, octo: Actor, *, watch_interval: int) -> tuple[str, Watched, Watched, Watched]:
    """A mission of three issues with agents for them: its id, and what becomes of the issues."""
    issues = [octo.issue("Design the plan", PLAN), octo.issue("Implement app", CODE), octo.issue("Test app", TESTS)]
    assert issues == [1, 2, 3]
    for name in ("designer", "backend", "tester"):
        town.ok("spawn", name, "--cli", "demo")
    chosen = ("-i", "1", "-i", "2", "-i", "3", "--auto-merge", "--watch-interval", str(watch_interval))
    run = str(town.json("mission", "start", *chosen)["mission_id"])
    plan, app, tests = (Watched(octo, issue) for issue in issues)
    return run, plan, app, tests


def _check_end(github: GitHub, octo: Actor, *pulls: Watched) -> None:
    """Everything merged once and in order, issues closed, each with one comment that was edited all along."""
    merged = Git(github.bare.folder).items("log", "-z", "--first-parent", "--reverse", "--format=%s", "main")
    ours = [line for line in merged if "#" in line]
    assert [f"#{pull.number}" in line for pull, line in zip(pulls, ours, strict=True)] == [True] * len(pulls)
    assert [octo.call("GET", f"issues/{pull.issue}")["state"] for pull in pulls] == ["closed"] * len(pulls)
    for pull in pulls:
        comments = octo.call("GET", f"issues/{pull.issue}/comments")
        (ours,) = [one["body"] for one in comments if "tinytown:" in one["body"]]
        assert ours.startswith("**Merged**")


def _annotation(path: str, line: int, message: str) -> dict[str, object]:
    place = {"path": path, "start_line": line, "end_line": line}
    return {**place, "annotation_level": "failure", "message": message}


def _prompts(town: TownCalls) -> str:
    """What agents were told."""
    return "\n".join(file.read_text() for file in (town.root / ".tt" / "runs").glob("*.prompt.md"))


def _state(town: TownCalls, run: str) -> str:
    return str(town.json("mission", "status", "--run", run)["mission"]["state"])
