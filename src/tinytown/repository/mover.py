"""Moving a branch that people may have checked out, so that none of their work is lost and no later commit undoes it.

A clean checkout of the branch follows it. One with changes is left alone, and its HEAD is detached first: a commit made
there later sits beside the branch instead of silently reverting what the branch has gained. Which checkouts are to
follow, and which are left, is written down before anything moves; after a crash `repair` finishes that, or takes it
back. The caller holds the git lock.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec

from tinytown.domain.errors import GitError
from tinytown.repository.checkout import checkouts
from tinytown.repository.durable import replace_file
from tinytown.repository.git import Git, shown

_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")


class Follower(msgspec.Struct, frozen=True, kw_only=True):
    """A checkout that is to follow its branch, or to be left where it is."""

    path: str
    branch: str
    old: str
    new: str
    obstacle: str = ""
    """Why it cannot follow and is left with its HEAD detached; empty when it follows."""


class Mover:
    """Moves the branches of one repository."""

    def __init__(self, git: Git, journal: Path) -> None:
        self._git = git
        self._journal = journal

    def move(self, branch: str, old: str, new: str, *, reason: str) -> tuple[str, ...] | None:
        """Move the branch from `old` to `new`, and the checkouts of it that are clean.

        Returns what people should know of checkouts left alone, or None when the branch was not at `old` any more.

        Raises:
            GitError: git failed; `repair` finishes what was begun.
        """
        there = (checkout.path for checkout in checkouts(self._git) if checkout.branch == branch and checkout.is_there)
        followers = tuple(
            Follower(path=str(path), branch=branch, old=old, new=new, obstacle=self._obstacle(path, old, new))
            for path in there
        )
        self._write(followers)
        leave = [Path(follower.path) for follower in followers if follower.obstacle]
        is_moved = all(self._detach(path, old, old) for path in leave) and self._git.update_ref(
            f"refs/heads/{branch}", new, old, reason=reason
        )
        notices = self.repair()
        return notices if is_moved else None

    def obstacles(self, branch: str, old: str, new: str) -> tuple[str, ...]:
        """Which checkouts of the branch could not follow it from `old` to `new`, and why."""
        there = (checkout.path for checkout in checkouts(self._git) if checkout.branch == branch and checkout.is_there)
        found = ((path, self._obstacle(path, old, new)) for path in there)
        return tuple(shown(f"{path} {obstacle}") for path, obstacle in found if obstacle)

    def repair(self) -> tuple[str, ...]:
        """Finish what a crash, or `move`, left to do; what people should know of it."""
        done = (self._leave(one) if one.obstacle else self._follow(one) for one in self._read())
        notices = tuple(notice for notice in done if notice)
        self._write(())
        return notices

    def _obstacle(self, path: Path, old: str, new: str) -> str:
        """Why the checkout cannot follow, empty when it can."""
        there = self._git.at(path)
        if any(there.find_commit(name) for name in _UNFINISHED):
            return "is in the middle of a merge"
        there.run("update-index", "-q", "--refresh", accept=(0, 1, 128))
        if there.is_dirty():
            return "has uncommitted changes"
        added = there.items("diff-tree", "-r", "--name-only", "--no-renames", "--diff-filter=A", "-z", old, new)
        for name in added:
            if (path / name).is_symlink() or (path / name).is_file():
                return f"has the untracked file {name} in the way"
        done = there.run("read-tree", "-n", "-m", "-u", old, new, accept=(0, 128))
        return "" if done.code == 0 else f"cannot follow ({_first_line(done.err)})"

    def _follow(self, follower: Follower) -> str:
        path = Path(follower.path)
        there = self._git.at(path)
        if not path.is_dir() or there.current_branch() != follower.branch:
            return ""
        if there.find_branch(follower.branch) != follower.new:
            return ""  # it never moved, or its owner has gone on from there
        there.run("update-index", "-q", "--refresh", accept=(0, 1, 128))
        done = there.run("read-tree", "-m", "-u", follower.old, follower.new, accept=(0, 128))
        if done.code == 0:
            return ""
        if _is_half_written(there, follower):
            done = there.run("read-tree", "--reset", "-u", follower.new, accept=(0, 128))
            if done.code == 0:
                return ""
        self._detach(path, follower.old, follower.new)
        return _left_alone(path, f"cannot follow ({_first_line(done.err)})", follower.branch, follower.old)

    def _leave(self, follower: Follower) -> str:
        path = Path(follower.path)
        there = self._git.at(path)
        if not path.is_dir() or there.current_branch() is not None:
            return ""  # it never was detached, or its owner has gone on from there
        tip = there.find_branch(follower.branch)
        has_moved = tip is not None and there.is_ancestor(follower.new, tip)
        if not has_moved and there.find_commit("HEAD") == follower.old:
            there.run("symbolic-ref", "HEAD", f"refs/heads/{follower.branch}")
            return ""
        return _left_alone(path, follower.obstacle, follower.branch, follower.old)

    def _detach(self, path: Path, at: str, expected: str) -> bool:
        """Detach HEAD without touching files or index; False when HEAD is not where it was expected."""
        return self._git.at(path).move_head(at, expected, reason="tinytown: leave this checkout alone")

    def _write(self, followers: tuple[Follower, ...]) -> None:
        if followers:
            # not msgspec's own JSON: it has no way to write a path that is not UTF-8
            replace_file(self._journal, json.dumps(msgspec.to_builtins(followers)).encode())
        else:
            self._journal.unlink(missing_ok=True)

    def _read(self) -> tuple[Follower, ...]:
        try:
            return msgspec.convert(json.loads(self._journal.read_bytes()), tuple[Follower, ...])
        except FileNotFoundError:
            return ()
        except (ValueError, msgspec.ValidationError) as error:
            raise GitError(f"{self._journal} is damaged ({error}); remove it and look at `git status`") from error


def _is_half_written(there: Git, follower: Follower) -> bool:
    """Whether every file that differs from the old commit does so because git was stopped while it wrote the new one."""
    index_tree = there.run("write-tree", accept=(0, 128)).out.strip()
    if index_tree != there.line("rev-parse", f"{follower.old}^{{tree}}"):
        return False
    flags = ("--name-only", "--no-renames", "-z")
    moved = set(there.items("diff-tree", "-r", *flags, follower.old, follower.new))
    added = there.items("diff-tree", "-r", *flags, "--diff-filter=A", follower.old, follower.new)
    differing = {*there.items("diff-files", *flags), *(name for name in added if os.path.lexists(there.folder / name))}
    return differing <= moved and all(_is_beginning(there, follower.new, name) for name in differing)


def _is_beginning(there: Git, new: str, name: str) -> bool:
    """Whether the file is gone, or holds the first part of its new content, or all of it."""
    file = there.folder / name
    if not os.path.lexists(file):
        return True
    return not file.is_symlink() and file.is_file() and (there.blob(new, name) or b"").startswith(file.read_bytes())


def _left_alone(path: Path, obstacle: str, branch: str, old: str) -> str:
    return shown(
        f"{path} {obstacle} and was left as it is, detached at {old[:8]}:"
        f" commit, stash or move your changes, then run `git switch {branch}` there"
    )


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "git did not say why")
