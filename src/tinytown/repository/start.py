"""Where a work item's branch starts: at its base, or at its dependencies' branches that are not merged yet."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tinytown.domain.errors import GitError
from tinytown.repository.branch import branch_owner
from tinytown.repository.git import Git
from tinytown.repository.remote import tracking
from tinytown.repository.trial import trial_merge


class Start(msgspec.Struct, frozen=True):
    """A commit to start from."""

    sha: str
    notes: tuple[str, ...] = ()
    """What could not be brought together, for whoever works there."""


def resolve(git: Git, branch: str, *, is_remote_first: bool = False) -> str | None:
    """The commit of a local branch, else of origin's branch of that name, else what the text names.

    Args:
        git: the repository.
        branch: its name.
        is_remote_first: whether origin's counts, as that is where work is merged; then only a work item's own branch
            here wins, when it has all that origin's has.
    """
    here, there = git.find_branch(branch), git.find_commit(tracking(branch))
    if is_remote_first and there is not None:
        is_ahead = here is not None and branch_owner(git, branch) is not None and git.is_ancestor(there, here)
        return here if is_ahead else there
    return here or there or git.find_commit(branch)


def find_start(git: Git, base: str, starts_from: tuple[str, ...], *, is_remote_first: bool = False) -> Start:
    """The commit that holds the base and as many of the dependencies as merge without conflict, in their order.

    Args:
        git: the repository.
        base: the branch that the work goes into.
        starts_from: the dependencies' branches.
        is_remote_first: as `resolve`.

    Raises:
        GitError: there is no base branch.
    """
    onto = resolve(git, base, is_remote_first=is_remote_first)
    if onto is None:
        raise GitError(f"there is no branch '{base}' in {git.folder}; make it, or name another base branch")
    start, notes = Start(onto), []
    wanted, missing = _unmerged(
        git, onto, {name: resolve(git, name, is_remote_first=is_remote_first) for name in starts_from}
    )
    notes += [f"branch {name} of a dependency is not here; its work is missing from this branch" for name in missing]
    if wanted:
        (_, first), *others = wanted
        start = Start(first)
        for name, sha in (*others, (base, onto)):
            start = _merged(git, start, name, sha)
    return Start(start.sha, (*notes, *start.notes))


def _unmerged(
    git: Git, base: str, branches: Mapping[str, str | None]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """(branch, commit) of those not in the base, and the names of those that do not exist."""
    there = ((name, sha) for name, sha in branches.items() if sha is not None and not git.is_ancestor(sha, base))
    return tuple(there), tuple(name for name, sha in branches.items() if sha is None)


def _merged(git: Git, start: Start, name: str, sha: str) -> Start:
    if git.is_ancestor(sha, start.sha):
        return start
    trial = trial_merge(git, start.sha, sha)
    if trial.tree is None:
        return Start(start.sha, (*start.notes, f"branch {name} is not merged in: {trial.reason}"))
    return Start(git.commit_tree(trial.tree, (start.sha, sha), f"Merge branch '{name}'\n"), start.notes)
