"""Whether a checkout is fit to start a mission from: agents begin with what is committed on a branch."""

from __future__ import annotations

from pathlib import Path

from tinytown.domain.errors import ConflictError
from tinytown.repository.git import Git

_OURS = frozenset({".gitignore", "tinytown.toml"})
"""Files that `tt init` itself changed."""
_SHOWN = 3


def check_checkout(root: Path, *, allow_dirty: bool = False) -> None:
    """Refuse a checkout that agents would not see as the person does.

    Raises:
        ConflictError: HEAD is detached, or tracked files have changes that are not committed.
    """
    git = Git(root)
    if git.current_branch() is None:
        raise ConflictError("HEAD is detached: check out a branch first (git switch BRANCH), nothing was started")
    if allow_dirty:
        return
    changed = [path for path in _changed(git) if path not in _OURS]
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        raise ConflictError(
            f"the checkout has changes that are not committed ({', '.join(changed[:_SHOWN])}{more}), and agents start"
            " from what is committed: commit or stash them, or give --allow-dirty; nothing was started"
        )


def _changed(git: Git) -> list[str]:
    """Tracked files that differ from HEAD, staged or not."""
    return [line[3:] for line in git.items("status", "--porcelain", "-z", "--no-renames", "--untracked-files=no")]
