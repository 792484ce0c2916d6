"""Issue files: `issues/NNNN-slug.md` in the checkout, or on the default branch where the checkout lacks them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import msgspec

from tinytown.domain.errors import ForgeError, GitError, NotFoundError
from tinytown.forges.local.front_matter import IssueText, closed_text, read_issue_text
from tinytown.repository.durable import replace_file
from tinytown.repository.git import Git, shown

_NUMBERED = re.compile(r"0*([1-9][0-9]{0,9})(?:[-_. ].*)?\.md", re.IGNORECASE)


_FILE_MODES = frozenset({"100644", "100755"})
"""What git calls a file; not a link, nor a submodule."""


class IssueFile(msgspec.Struct, frozen=True, kw_only=True):
    """One issue file and what it says."""

    path: str
    """Relative to the root of the repository."""
    text: IssueText


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

    def find(self, number: int, default_branch: str) -> IssueFile:
        """The issue of that number.

        Its text is the checkout's, where there is one. It is closed when that says so, or when the default branch does
        and nobody is just editing the file: a checkout that was left behind by a merge does not reopen it.

        Raises:
            NotFoundError: there is no such issue. ForgeError: it cannot be read, or two files have that number.
        """
        here = self._path_here(number)
        there = self._path_in(default_branch, number)
        if here is None and there is None:
            raise NotFoundError(f"there is no issue #{number}: no file {self._folder}/{number:04d}-….md")
        if here is None:
            assert there is not None  # noqa: S101  narrows the type
            return IssueFile(path=there, text=self._read_in(default_branch, there))
        text = _read(self._bytes_here(here), here)
        if text.is_open and there == here and not self._is_edited(here):
            text = msgspec.structs.replace(text, is_open=self._read_in(default_branch, there).is_open)
        return IssueFile(path=here, text=text)

    def numbers(self, default_branch: str) -> list[int]:
        """The numbers of all issues there are, in order."""
        names = (*self._names_here(), *self._names_in(default_branch))
        return sorted({int(match[1]) for name in names if (match := _NUMBERED.fullmatch(name))})

    def closed_in(self, tree: str, numbers: tuple[int, ...]) -> ClosedTree:
        """The tree with these issues closed. An issue that cannot be closed is a note: it does not stop a merge."""
        changed: dict[str, str] = {}
        untracked, notes = [], []
        for number in numbers:
            try:
                path = self._path_in(tree, number)
                if path is None:
                    untracked.append(number)
                    continue
                before = self._git.blob(tree, path) or b""
                after = closed_text(_decoded(before, path), shown(path)).encode()
            except ForgeError as error:
                notes.append(f"issue #{number} is not closed: {error.message}")
                continue
            if after != before:
                changed[path] = self._git.store_blob(after)
        new = self._git.replace_in_tree(tree, changed) if changed else tree
        return ClosedTree(tree=new, untracked=tuple(untracked), notes=tuple(notes))

    def close_here(self, number: int) -> tuple[str, ...]:
        """Close an issue that is a file of the checkout only, not committed; what went wrong."""
        try:
            path = self._path_here(number)
            if path is None:
                return ()
            before = _decoded(self._bytes_here(path), path)
            if (after := closed_text(before, shown(path))) != before:
                replace_file(self._root / path, after.encode())
        except (ForgeError, GitError) as error:
            return (f"issue #{number} is not closed: {error.message}",)
        return ()

    @property
    def _root(self) -> Path:
        return self._git.folder

    def _bytes_here(self, path: str) -> bytes:
        try:
            return (self._root / path).read_bytes()
        except OSError as error:
            raise ForgeError(f"{shown(path)} cannot be read: {error.strerror}") from error

    def _path_here(self, number: int) -> str | None:
        return self._only(number, self._names_here())

    def _path_in(self, revision: str, number: int) -> str | None:
        return self._only(number, self._names_in(revision))

    def _names_here(self) -> list[str]:
        folder = self._root / self._folder
        if not folder.is_dir():
            return []
        if not folder.resolve().is_relative_to(self._root.resolve()):
            raise ForgeError(f"{self._folder} leads out of the repository; make it a folder of its own")
        return [entry.name for entry in folder.iterdir() if _is_file(entry)]

    def _names_in(self, revision: str) -> list[str]:
        listed = self._git.items("ls-tree", "--full-tree", "-z", revision, f"{self._folder}/")
        entries = (entry.partition("\t") for entry in listed)
        return [PurePosixPath(path).name for about, _, path in entries if about[:6] in _FILE_MODES]

    def _only(self, number: int, names: Iterable[str]) -> str | None:
        found = sorted(name for name in names if (match := _NUMBERED.fullmatch(name)) and int(match[1]) == number)
        if len(found) > 1:
            raise ForgeError(
                f"issue #{number} is two files in {self._folder}/: {shown(', '.join(found))}; rename one of them"
            )
        return f"{self._folder}/{found[0]}" if found else None

    def _read_in(self, revision: str, path: str) -> IssueText:
        return _read(self._git.blob(revision, path) or b"", path)

    def _is_edited(self, path: str) -> bool:
        return bool(self._git.items("status", "--porcelain", "-z", "--untracked-files=all", "--", path))


def _is_file(entry: Path) -> bool:
    """Whether it is a file itself: a link would show, and let close, a file from anywhere on this machine."""
    return entry.is_file() and not entry.is_symlink()


def _read(content: bytes, path: str) -> IssueText:
    return read_issue_text(_decoded(content, path), shown(path))


def _decoded(content: bytes, path: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ForgeError(f"{shown(path)}:{line}: it is not UTF-8 text; save it as UTF-8") from error
