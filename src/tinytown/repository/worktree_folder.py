"""One worktree's folder as it is found: what a crash left is mended or cleared away, what is at stake is told."""

from __future__ import annotations

from pathlib import Path

from tinytown.domain.errors import GitError, WorktreeInUseError
from tinytown.repository.checkout import checkout_at
from tinytown.repository.folder import remove_folder
from tinytown.repository.git import Git, shown
from tinytown.repository.stale_lock import remove_stale
from tinytown.repository.worktree_record import Phase, read_record


def recover(git: Git, path: Path, file: Path) -> tuple[str, ...]:
    """Clear away what a crash left, so that the worktree is either registered and usable, or not there at all.

    Args:
        git: the repository.
        path: the worktree.
        file: its record.

    Returns what whoever works there should know.

    Raises:
        GitError: it cannot be made usable.
    """
    record, found = read_record(file), checkout_at(git, path)
    if record is not None and record.phase is Phase.ADDING:
        discard(git, path, force=True)
        file.unlink()
        return ()
    if found is not None and not path.is_dir():
        discard(git, path, force=True)
        file.unlink(missing_ok=True)
        return (f"the worktree {path.name} was gone and is made again from its branch",)
    if found is not None:
        _mend(git, path)
        return ()
    file.unlink(missing_ok=True)
    return _set_aside(path)


def _mend(git: Git, path: Path) -> None:
    """Without its `.git` file, git commands in the worktree would work on the checkout around it."""
    if not is_usable(git, path):
        git.run("worktree", "repair")
    if not is_usable(git, path):
        raise GitError(f"{path} is not a working tree any more; move it away and try again")
    _unlock(git, path)


def _unlock(git: Git, path: Path) -> None:
    """An agent that was killed while it committed left locks that whoever works there next cannot explain."""
    there = git.at(path)
    own, common = (
        Path(there.line("rev-parse", "--path-format=absolute", f"--git-{kind}")) for kind in ("dir", "common-dir")
    )
    locks = [own / "index.lock", own / "HEAD.lock"]
    if (branch := there.current_branch()) is not None:
        locks.append(common / "refs" / "heads" / f"{branch}.lock")
    for lock in locks:
        remove_stale(lock, (path,))


def _set_aside(path: Path) -> tuple[str, ...]:
    """Move a folder that git knows nothing of out of the way; its files are kept."""
    if not path.exists():
        return ()
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()
        return ()
    number = 1
    while (aside := path.with_name(f"{path.name}.kept-{number}")).exists():
        number += 1
    path.rename(aside)
    return (f"{path} was no worktree of git's; its files are kept in {aside}",)


def at_stake(git: Git, path: Path, file: Path) -> tuple[str, ...]:
    """What would be lost with the worktree, a line each."""
    record = read_record(file)
    if record is not None and record.phase is Phase.ADDING:
        return ()
    if not is_usable(git, path):
        return (f"files in {path}",) if path.is_dir() and any(path.iterdir()) else ()
    there = git.at(path)
    stakes = []
    if dirty := there.dirty_files():
        stakes.append(f"{len(dirty)} changed or untracked files: {_some(dirty)}")
    if (head := there.find_commit("HEAD")) is not None:
        known = (f"^{record.start}",) if record and record.start else ()
        loose = there.line("rev-list", "--oneline", head, *known, "--not", "--glob=refs/*", "--").splitlines()
        if loose:
            stakes.append(f"{len(loose)} commits that are on no branch: {_some(tuple(loose))}")
    return tuple(stakes)


def discard(git: Git, path: Path, *, force: bool) -> None:
    """Remove the worktree from git and its folder from the disk. WorktreeInUseError when git refuses."""
    if checkout_at(git, path) is not None:
        flags = ("--force", "--force") if force else ()
        if path.is_dir() and not is_usable(git, path):
            git.run("worktree", "repair")
        try:
            git.run("worktree", "remove", *flags, str(path))
        except GitError as error:
            raise WorktreeInUseError(f"worktree {path.name} is kept: {error.message}") from error
    if path.is_dir():
        remove_folder(path)


def is_usable(git: Git, path: Path) -> bool:
    """Whether git takes the folder for a working tree of its own."""
    if not path.is_dir():
        return False
    top = git.at(path).run("rev-parse", "--show-toplevel", accept=(0, 128)).out.rstrip("\n")
    return top != "" and Path(top).resolve() == path.resolve()


def _some(things: tuple[str, ...]) -> str:
    return shown(", ".join(things[:5])) + (", …" if len(things) > 5 else "")  # noqa: PLR2004  enough to recognise it
