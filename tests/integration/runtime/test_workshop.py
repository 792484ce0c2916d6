from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.repositories import commit, isolate, make_repository

from tinytown.domain.errors import RemoteError
from tinytown.repository.git import Git
from tinytown.repository.worktree import Worktree, Worktrees
from tinytown.runtime.workshop import Workshop

ITEM = "0000-item"


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)


@pytest.mark.parametrize(
    ("flag", "told"), [("--create=mine", "1 commit on branch mine"), ("--detach", "1 commit on a detached HEAD")]
)
def test_commits_elsewhere_than_on_the_items_branch_are_no_evidence(tmp_path: Path, flag: str, told: str) -> None:
    git = make_repository(tmp_path / "home")
    worktrees = Worktrees(git.folder, git.folder / ".tt" / "worktrees")
    workshop = Workshop(worktrees, git, "main")
    worktree = worktrees.prepare("1-x", branch="tt/1-x", base="main", owner=ITEM)
    before = workshop.before(worktree)
    there = git.at(worktree.path)
    there.run("switch", "--quiet", flag)
    commit(there, {"a": "a"})
    evidence = workshop.after(worktree, before)
    assert (evidence.made, evidence.elsewhere) == (0, told)
    assert evidence.head == evidence.head_before == git.find_branch("main")
    there.run("branch", "--force", "tt/1-x", "HEAD")
    evidence = workshop.after(worktree, before)
    assert (evidence.made, evidence.elsewhere, evidence.head) == (1, "", there.rev_parse("HEAD"))


class TestPushing:
    def ready(self, tmp_path: Path, publish: Callable[[str], None]) -> tuple[Workshop, Worktree, str]:
        git = make_repository(tmp_path / "home")
        worktrees = Worktrees(git.folder, git.folder / ".tt" / "worktrees")
        workshop = Workshop(worktrees, git, "main", publish)
        worktree = worktrees.prepare("1-x", branch="tt/1-x", base="main", owner=ITEM)
        return workshop, worktree, workshop.before(worktree)

    def test_what_was_committed_for_an_item_is_pushed_after_the_run(self, tmp_path: Path) -> None:
        pushed: list[str] = []
        workshop, worktree, before = self.ready(tmp_path, pushed.append)
        assert workshop.after(worktree, before, is_published=True).push_failure == ""
        assert pushed == []
        commit(Git(worktree.path), {"a": "a"})
        workshop.after(worktree, before)
        assert pushed == []
        workshop.after(worktree, before, is_published=True)
        assert pushed == ["tt/1-x"]

    def test_a_push_that_fails_is_told_and_costs_the_run_nothing(self, tmp_path: Path) -> None:
        def refuse(branch: str) -> None:
            raise RemoteError(f"{branch} is protected")

        workshop, worktree, before = self.ready(tmp_path, refuse)
        sha = commit(Git(worktree.path), {"a": "a"})
        evidence = workshop.after(worktree, before, is_published=True)
        assert (evidence.push_failure, evidence.head, evidence.made) == ("tt/1-x is protected", sha, 1)
