"""Branches: which one pull requests go into, and which work item one belongs to."""

from __future__ import annotations

from collections.abc import Callable

from tinytown.domain.errors import GitError
from tinytown.repository.git import Git

_USUAL = ("main", "master")


def default_branch(git: Git, *, is_remote_first: bool = False) -> str:
    """The branch that pull requests go into.

    In this order: where the remote's HEAD points, `init.defaultBranch`, main, master, the only branch that belongs to
    no work item, the branch that is checked out.

    Args:
        git: the repository.
        is_remote_first: whether a branch that only origin has will do.

    Raises:
        GitError: there is no commit yet, or none of these says.
    """
    remote = git.run("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD", accept=(0, 1)).out.strip()
    configured = git.run("config", "--get", "init.defaultBranch", accept=(0, 1)).out.strip()
    there = git.branches()
    for name in (remote.removeprefix("origin/"), configured, *_USUAL):
        if name in there or (is_remote_first and name and git.find_commit(f"refs/remotes/origin/{name}")):
            return name
    people = tuple(name for name in there if branch_owner(git, name) is None)
    if len(people) == 1:
        return people[0]
    current = git.current_branch()
    if current in people:
        return current
    if not there:
        raise GitError(f"{git.folder} has no commits yet; make a first one with `git commit`")
    raise GitError(f"cannot tell which branch of {git.folder} is the default one; name it in tinytown.toml")


def branch_owner(git: Git, name: str) -> str | None:
    """Id of the work item that the branch was made for, None when a person made it."""
    return git.run("config", "--get", f"branch.{name}.tinytown-owner", accept=(0, 1)).out.strip() or None


def claim_branch(git: Git, wanted: str, *, owner: str, is_foreign: Callable[[str], bool] = lambda _name: False) -> str:
    """The branch name that the item may use: `wanted`, or `wanted-<first 8 of owner>` when that is someone else's.

    The claim is written before the branch is made, so that a crash in between leaves nothing without an owner.

    Args:
        git: the repository.
        wanted: the name.
        owner: the item's id.
        is_foreign: whether a name not used here is someone else's elsewhere; not asked about the one with the id in it.

    Raises:
        GitError: the name is not valid for a branch, or both are someone else's.
    """
    for name in (wanted, f"{wanted}-{owner[:8]}"):
        git.run("check-ref-format", "--branch", name)
        if branch_owner(git, name) == owner:
            return name
        if (
            git.find_branch(name) is None
            and branch_owner(git, name) is None
            and (name != wanted or not is_foreign(name))
        ):
            git.run("config", f"branch.{name}.tinytown-owner", owner)
            return name
    raise GitError(f"branches {wanted} and {wanted}-{owner[:8]} belong to others; rename or delete one of them")
