"""A git that is killed leaves lock files; a git that lives keeps them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.repositories import commit
from tests.waiting import wait_until

from tinytown.domain.errors import GitError
from tinytown.repository import stale_lock
from tinytown.repository.git import Git
from tinytown.repository.stale_lock import remove_stale
from tinytown.repository.worktree import Worktrees


def leave(lock: Path, *, age_secs: float = 60.0) -> Path:
    """A lock that somebody left so long ago."""
    lock.touch()
    made = time.time() - age_secs
    os.utime(lock, (made, made))
    return lock


@contextmanager
def a_git_at_work(folder: Path, lock: Path) -> Iterator[None]:
    """A process named git that makes the lock and keeps it."""
    program = folder.parent / "git-at-work"
    program.symlink_to(sys.executable)
    code = f"open({str(lock)!r}, 'x').close(); input()"
    process = subprocess.Popen((str(program), "-S", "-c", code), cwd=folder, stdin=subprocess.PIPE)
    try:
        wait_until(lock.exists, "it has the lock")
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", ["index", "HEAD", "refs/heads/main", "config"])
def test_locks_of_a_killed_git_do_not_keep_the_next_from_working(git: Git, name: str) -> None:
    lock = leave(git.folder / ".git" / f"{name}.lock")
    git.run("config", "some.setting", "value")
    commit(git, {"app.py": "changed\n"})
    assert (lock.exists(), git.dirty_files()) == (False, ())


def test_a_young_lock_is_given_time_to_go(git: Git) -> None:
    lock = leave(git.folder / ".git" / "index.lock", age_secs=stale_lock.LEAST_AGE_SECS - 0.3)
    began = time.monotonic()
    commit(git, {"app.py": "changed\n"})
    assert (lock.exists(), time.monotonic() - began > 0.2) == (False, True)


def test_the_lock_of_a_git_that_lives_is_left_to_it(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_lock, "LONGEST_WAIT_SECS", 0.2)
    monkeypatch.setattr(stale_lock, "LEAST_AGE_SECS", 0.0)
    lock = git.folder / ".git" / "index.lock"
    with a_git_at_work(git.folder, lock):
        with pytest.raises(GitError, match=r"index\.lock': File exists"):
            commit(git, {"app.py": "changed\n"})
        assert lock.exists()
        assert not remove_stale(lock, (git.folder,))
    assert remove_stale(lock, (git.folder,))
    assert not lock.exists()


def test_the_worktree_of_a_killed_agent_is_unlocked(git: Git, worktrees: Worktrees) -> None:
    def prepare() -> Path:
        return worktrees.prepare("1-x", branch="tt/1-x", base="main", owner=str(uuid.UUID(int=7))).path

    there = git.at(prepare())
    own = Path(there.line("rev-parse", "--absolute-git-dir"))
    locks = [own / "index.lock", own / "HEAD.lock", git.folder / ".git" / "refs" / "heads" / "tt" / "1-x.lock"]
    for lock in locks:
        leave(lock, age_secs=1)
    prepare()
    assert [lock for lock in locks if lock.exists()] == []
