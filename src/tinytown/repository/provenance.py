"""Whose the commits of a remote's branch are, as the log of what is known of it tells: pushed from here, or brought here."""

from __future__ import annotations

import msgspec

from tinytown.repository.git import Git
from tinytown.repository.remote import PUSHED, Remote, tracking


class _Step(msgspec.Struct, frozen=True):
    """Where the branch was known to be."""

    sha: str
    how: str

    @property
    def is_ours(self) -> bool:
        return self.how == PUSHED


def loses_others_work(remote: Remote, branch: str, sha: str, tip: str) -> bool:
    """Whether commits that were not pushed from here would be on the branch no more if it went from `tip` to `sha`.

    Where nothing tells whose they are, they count as somebody else's. What came by a fetch stays somebody else's when
    work from here was pushed on top of it.
    """
    git = remote.git
    lost = set(_commits(git, tip, without=(sha,)))
    if not lost:
        return False
    steps = _steps(git, branch)
    ours = tuple(step.sha for step in steps if step.is_ours)
    if _commits(git, tip, without=(sha, *ours)):
        return True
    before = [(older.sha,) for older in steps[1:]]
    came = zip(steps, [*before, ()], strict=True)
    return any(
        lost.intersection(_commits(git, step.sha, without=(sha, *old))) for step, old in came if not step.is_ours
    )


def _steps(git: Git, branch: str) -> list[_Step]:
    """Where the branch was, the newest first; none when that is not on record."""
    done = git.run("log", "--walk-reflogs", "--format=%H %gs", tracking(branch), "--", accept=(0, 128))
    return [_Step(*line.partition(" ")[::2]) for line in done.out.splitlines()] if done.code == 0 else []


def _commits(git: Git, tip: str, *, without: tuple[str, ...]) -> list[str]:
    return git.run("rev-list", tip, "--not", *without).out.split()
