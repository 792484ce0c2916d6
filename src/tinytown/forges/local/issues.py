"""Issue files: `issues/NNNN-slug.md` in the checkout, or on the default branch where the checkout lacks them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tinytown.domain.errors import ForgeError, GitError
from tinytown.forges.local.front_matter import closed_text
from tinytown.forges.local.look import IssueFile, Look, bytes_of, decoded
from tinytown.repository.durable import replace_file
from tinytown.repository.git import Git, shown


class ClosedTree(msgspec.Struct, frozen=True, kw_only=True):
    """A tree with issues closed in it."""

    tree: str
    untracked: tuple[int, ...] = ()
    """Issues without a file in the tree."""
    notes: tuple[str, ...] = ()
    """Issues that could not be closed."""


class IssueFiles:
    """The issue files of one repository."""

    def __init__(self, git: Git, folder: str = "issues") -> None:
        self._git = git
        self._folder = folder.strip("/")

    def look(self, revision: str, numbers: Iterable[int] | None = None) -> Look:
        """The issue files as they are now, in the checkout and in that commit or tree; read when first asked for."""
        return Look(self._git, self._folder, revision, numbers)

    def find(self, number: int, default_branch: str) -> IssueFile:
        """The issue of that number; errors as `Look.find`."""
        return self.look(default_branch, (number,)).find(number)

    def closed_in(self, tree: str, numbers: tuple[int, ...]) -> ClosedTree:
        """The tree with these issues closed. An issue that cannot be closed is a note: it does not stop a merge."""
        look = self.look(tree, numbers)
        changed: dict[str, str] = {}
        untracked, notes = [], []
        for number in numbers:
            try:
                blob = look.blob(number)
                if blob is None:
                    untracked.append(number)
                    continue
                before = look.content(blob)
                after = closed_text(decoded(before, blob.path), shown(blob.path)).encode()
            except ForgeError as error:
                notes.append(f"issue #{number} is not closed: {error.message}")
                continue
            if after != before:
                changed[blob.path] = self._git.store_blob(after)
        new = self._git.replace_in_tree(tree, changed) if changed else tree
        return ClosedTree(tree=new, untracked=tuple(untracked), notes=tuple(notes))

    def close_here(self, number: int) -> tuple[str, ...]:
        """Close an issue that is a file of the checkout only, not committed; what went wrong."""
        try:
            path = self.look("HEAD").path_here(number)
            if path is None:
                return ()
            before = decoded(bytes_of(self._git.folder, path), path)
            if (after := closed_text(before, shown(path))) != before:
                replace_file(self._git.folder / path, after.encode())
        except (ForgeError, GitError) as error:
            return (f"issue #{number} is not closed: {error.message}",)
        return ()
