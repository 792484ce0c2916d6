"""Where a work item's branch starts: at its base, or at its dependencies' branches that are not merged yet."""

from __future__ import annotations

import msgspec

from tinytown.domain.errors import GitError
from tinytown.repository.git import Git
from tinytown.repository.trial import trial_merge


class Start(msgspec.Struct, frozen=True):
    """A commit to start from."""

    sha: str
    notes: tuple[str, ...] = ()
    """What could not be brought together, for whoever works there."""


def resolve(git: Git, branch: str) -> str | None:
    """The commit of a local branch, else of origin's branch of that name, else what the text names."""
    return git.find_branch(branch) or git.find_commit(f"refs/remotes/origin/{branch}") or git.find_commit(branch)


def find_start(git: Git, base: str, starts_from: tuple[str, ...]) -> Start:
    """The commit that holds the base and as many of the dependencies as merge without conflict, in their order.

    Raises:
        GitError: there is no base branch.
    """
    onto = resolve(git, base)
    if onto is None:
        raise GitError(f"there is no branch '{base}' in {git.folder}; make it, or name another base branch")
    start, notes = Start(onto), []
    wanted, missing = _unmerged(git, onto, starts_from)
    notes += [f"branch {name} of a dependency is not here; its work is missing from this branch" for name in missing]
    if wanted:
        (_, first), *others = wanted
        start = Start(first)
        for name, sha in (*others, (base, onto)):
            start = _merged(git, start, name, sha)
    return Start(start.sha, (*notes, *start.notes))


def _unmerged(git: Git, base: str, branches: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """(branch, commit) of those not in the base, and the names of those that do not exist."""
    found = tuple((name, resolve(git, name)) for name in branches)
    there = tuple((name, sha) for name, sha in found if sha is not None and not git.is_ancestor(sha, base))
    return there, tuple(name for name, sha in found if sha is None)


def _merged(git: Git, start: Start, name: str, sha: str) -> Start:
    if git.is_ancestor(sha, start.sha):
        return start
    trial = trial_merge(git, start.sha, sha)
    if trial.tree is None:
        return Start(start.sha, (*start.notes, f"branch {name} is not merged in: {trial.reason}"))
    return Start(git.commit_tree(trial.tree, (start.sha, sha), f"Merge branch '{name}'\n"), start.notes)
