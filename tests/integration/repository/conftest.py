from __future__ import annotations

from pathlib import Path

import pytest
from tests.repositories import isolate, make_repository

from tinytown.repository.git import Git
from tinytown.repository.worktree import Worktrees


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return make_repository(tmp_path / "home", {"app.py": "one\ntwo\nthree\n"})


@pytest.fixture
def worktrees(git: Git) -> Worktrees:
    return Worktrees(git.folder, git.folder / ".tt" / "worktrees")
