"""Trial merges: what merging would give, without touching a branch or a checkout."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from tinytown.repository.git import Git, shown

_MERGE_TREE_SINCE = (2, 38)


class Trial(msgspec.Struct, frozen=True):
    """The outcome of a trial merge."""

    tree: str | None
    """Tree of the merge, None when it does not merge."""
    conflicts: tuple[str, ...] = ()
    """Files that conflict, as they are shown."""
    reason: str = ""
    """Why it does not merge, one line."""


def trial_merge(git: Git, base: str, head: str) -> Trial:
    """Merge `head` into `base` on paper.

    Raises:
        GitError: git failed for another reason than a conflict.
    """
    if git.merge_base(base, head) is None:
        return Trial(None, (), "it shares no history with the base branch")
    if git.version() >= _MERGE_TREE_SINCE:
        return _by_merge_tree(git, base, head)
    return by_worktree(git, base, head)


def _by_merge_tree(git: Git, base: str, head: str) -> Trial:
    args = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", base, head)
    done = git.run(*args, accept=(0, 1))
    tree, *files = (part for part in done.out.split("\0") if part)
    return Trial(tree) if done.code == 0 else _conflict(tuple(files))


def by_worktree(git: Git, base: str, head: str) -> Trial:
    """The same for a git before 2.38, which cannot merge without a checkout: in a temporary worktree."""
    with tempfile.TemporaryDirectory(prefix="tinytown-merge-") as folder:
        path = Path(folder) / "trial"
        git.run("worktree", "add", "--detach", "--quiet", str(path), base)
        try:
            there = git.at(path)
            done = there.run("merge", "--no-commit", "--no-ff", "--quiet", head, accept=(0, 1), env=git.identity())
            if done.code == 0:
                return Trial(there.line("write-tree"))
            return _conflict(there.items("diff", "--name-only", "--diff-filter=U", "-z"))
        finally:
            git.run("worktree", "remove", "--force", str(path))


def _conflict(files: tuple[str, ...]) -> Trial:
    unique = tuple(dict.fromkeys(map(shown, files)))
    return Trial(None, unique, f"conflicts in {', '.join(unique)}")
