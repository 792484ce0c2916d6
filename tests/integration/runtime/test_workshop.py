from __future__ import annotations

from pathlib import Path

import pytest
from tests.repositories import commit, isolate, make_repository

from tinytown.repository.worktree import Worktrees
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
