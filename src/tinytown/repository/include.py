"""`.worktreeinclude`: which ignored files of the checkout, such as `.env`, a new worktree gets a copy of."""

from __future__ import annotations

import shutil
from pathlib import Path

from tinytown.domain.errors import GitError
from tinytown.repository.git import Git

INCLUDE_FILE = ".worktreeinclude"


def copy_included(git: Git, worktree: Path, *, except_under: Path) -> tuple[str, ...]:
    """Copy the files that the checkout's `.worktreeinclude` (patterns as in .gitignore) names; their paths.

    Only files that git ignores are copied: an untracked file that is not ignored would be committed with the next
    `git add` in the worktree. What is there already is left as it is.

    Args:
        git: the checkout that has the files.
        worktree: where the copies go.
        except_under: folder of the town's own state, never copied.
    """
    if not (git.folder / INCLUDE_FILE).is_file():
        return ()
    own = _inside(git.folder, except_under)
    found = git.items("ls-files", "--others", "--ignored", f"--exclude-from={INCLUDE_FILE}", "-z")
    candidates = [path for path in found if not path.endswith("/") and not (own and path.startswith(own))]
    if not candidates:
        return ()
    ignored = git.items("check-ignore", "-z", "--stdin", stdin="\0".join(candidates), accept=(0, 1))
    return tuple(path for path in ignored if _copy(git.folder / path, worktree / path, worktree))


def _inside(folder: Path, other: Path) -> str:
    root, inner = folder.resolve(), other.resolve()
    return f"{inner.relative_to(root)}/" if inner.is_relative_to(root) else ""


def _copy(source: Path, target: Path, worktree: Path) -> bool:
    # A folder of the branch may be a symbolic link that leads out of the worktree.
    if target.is_symlink() or target.exists() or not target.parent.resolve().is_relative_to(worktree.resolve()):
        return False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    except FileNotFoundError:  # it went away since it was listed
        return False
    except OSError as error:
        raise GitError(f"{target} cannot be written: {error.strerror}") from error
    return True
