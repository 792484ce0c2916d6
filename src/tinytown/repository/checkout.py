"""Checkouts: the working trees of a repository, as `git worktree list` knows them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tinytown.repository.git import Git


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """One working tree."""

    path: Path
    head: str | None
    """Commit that is checked out, None when there is none yet."""
    branch: str | None
    """None when HEAD is detached."""
    is_bare: bool = False

    @property
    def is_there(self) -> bool:
        """Whether its folder still exists and has files checked out."""
        return not self.is_bare and self.path.is_dir()


def checkouts(git: Git) -> tuple[Checkout, ...]:
    """Every working tree, the main one first."""
    blocks = git.run("worktree", "list", "--porcelain").out.split("\n\n")
    return tuple(_read(block) for block in blocks if block.strip())


def checkout_at(git: Git, path: Path) -> Checkout | None:
    """The working tree registered for that folder, whether the folder exists or not."""
    wanted = path.resolve()
    return next((found for found in checkouts(git) if found.path.resolve() == wanted), None)


def _read(block: str) -> Checkout:
    fields: dict[str, str] = {}
    for line in block.splitlines():
        name, _, value = line.partition(" ")
        fields[name] = value
    head = fields.get("HEAD", "")
    return Checkout(
        path=Path(fields["worktree"]),
        head=head if head.strip("0") else None,
        branch=fields["branch"].removeprefix("refs/heads/") if "branch" in fields else None,
        is_bare="bare" in fields,
    )
