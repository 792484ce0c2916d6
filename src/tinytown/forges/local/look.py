"""One look at the issue files: all that are asked for are read with a few commands of git."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TypeVar

import msgspec

from tinytown.domain.errors import ForgeError, NotFoundError
from tinytown.forges.local.front_matter import IssueText, read_issue_text
from tinytown.once import cached_property
from tinytown.repository.git import Git, shown

Found = TypeVar("Found")

_NUMBERED = re.compile(r"0*([1-9][0-9]{0,9})(?:[-_. ].*)?\.md", re.IGNORECASE)
_FILE_MODES = frozenset({"100644", "100755"})
"""What git calls a file; not a link, nor a submodule."""


class IssueFile(msgspec.Struct, frozen=True, kw_only=True):
    """One issue file and what it says."""

    path: str
    """Relative to the root of the repository."""
    text: IssueText


class Blob(msgspec.Struct, frozen=True):
    """A file of a commit or tree."""

    path: str
    id: str


class Look:
    """The issue files as they were when they were first asked for; it is kept for one use case only."""

    def __init__(self, git: Git, folder: str, revision: str, numbers: Iterable[int] | None = None) -> None:
        """Look at nothing yet.

        Args:
            git: the repository.
            folder: where issue files are, relative to its root.
            revision: the commit or tree that counts besides the checkout.
            numbers: the issues that will be asked for, None: all; others cost commands of their own.
        """
        self._git = git
        self._folder = folder
        self._revision = revision
        self._wanted = None if numbers is None else frozenset(numbers)

    def find(self, number: int) -> IssueFile:
        """The issue of that number.

        Its text is the checkout's, where there is one. It is closed when that says so, or when the revision does and
        nobody is just editing the file: a checkout that was left behind by a merge does not reopen it.

        Raises:
            NotFoundError: there is no such issue. ForgeError: it cannot be read, or two files have that number.
        """
        here, there = self.path_here(number), self.blob(number)
        if here is None and there is None:
            raise NotFoundError(f"there is no issue #{number}: no file {self._folder}/{number:04d}-….md")
        if here is None:
            assert there is not None  # noqa: S101  narrows the type
            return IssueFile(path=there.path, text=self._read(there))
        text = read(bytes_of(self._git.folder, here), here)
        if text.is_open and there is not None and there.path == here and not self._is_edited(here):
            text = msgspec.structs.replace(text, is_open=self._read(there).is_open)
        return IssueFile(path=here, text=text)

    def numbers(self) -> list[int]:
        """The numbers of all issues there are, in order."""
        return sorted({*self._here, *self._there})

    def path_here(self, number: int) -> str | None:
        """Where the issue is in the checkout. ForgeError: it is two files."""
        name = self._only(number, {name: name for name in self._here.get(number, ())})
        return None if name is None else f"{self._folder}/{name}"

    def blob(self, number: int) -> Blob | None:
        """Where the issue is in the revision. ForgeError: it is two files."""
        return self._only(number, {PurePosixPath(one.path).name: one for one in self._there.get(number, ())})

    def content(self, blob: Blob) -> bytes:
        """What is in a file of the revision."""
        found = self._contents.get(blob.id)
        return self._git.blobs((blob.id,))[blob.id] if found is None else found

    def _read(self, blob: Blob) -> IssueText:
        return read(self.content(blob), blob.path)

    def _only(self, number: int, named: dict[str, Found]) -> Found | None:
        if len(named) > 1:
            raise ForgeError(
                f"issue #{number} is two files in {self._folder}/: {shown(', '.join(sorted(named)))}; rename one of them"
            )
        return next(iter(named.values()), None)

    @cached_property
    def _here(self) -> dict[int, list[str]]:
        """Names in the checkout by number."""
        root = self._git.folder
        folder = root / self._folder
        if not folder.is_dir():
            return {}
        if not folder.resolve().is_relative_to(root.resolve()):
            raise ForgeError(f"{self._folder} leads out of the repository; make it a folder of its own")
        return _by_number((entry.name, entry.name) for entry in folder.iterdir() if _is_file(entry))

    @cached_property
    def _there(self) -> dict[int, list[Blob]]:
        """Files of the revision by number."""
        listed = self._git.items("ls-tree", "--full-tree", "-z", self._revision, f"{self._folder}/")
        parts = (entry.partition("\t") for entry in listed)
        files = ((about.split()[2], PurePosixPath(path).name) for about, _, path in parts if about[:6] in _FILE_MODES)
        return _by_number((name, Blob(f"{self._folder}/{name}", blob_id)) for blob_id, name in files)

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        """What is in the files of the revision that will be asked for, by id."""
        numbers = self._there if self._wanted is None else self._wanted
        wanted = (blob.id for number in numbers for blob in self._there.get(number, ()))
        return self._git.blobs(tuple(dict.fromkeys(wanted)))

    def _is_edited(self, path: str) -> bool:
        return posixpath.normpath(path) in self._edited

    @cached_property
    def _edited(self) -> frozenset[str]:
        """Files of the checkout's folder that differ from its commit, or are not in it."""
        flags = ("--porcelain", "-z", "--no-renames", "--untracked-files=all")
        return frozenset(line[3:] for line in self._git.items("status", *flags, "--", f"{self._folder}/"))


def read(content: bytes, path: str) -> IssueText:
    """What an issue file says. ForgeError: it is not valid."""
    return read_issue_text(decoded(content, path), shown(path))


def decoded(content: bytes, path: str) -> str:
    """The text of an issue file. ForgeError: it is none."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ForgeError(f"{shown(path)}:{line}: it is not UTF-8 text; save it as UTF-8") from error


def bytes_of(root: Path, path: str) -> bytes:
    """What is in a file of the checkout. ForgeError: it cannot be read."""
    try:
        return (root / path).read_bytes()
    except OSError as error:
        raise ForgeError(f"{shown(path)} cannot be read: {error.strerror}") from error


def _by_number(named: Iterable[tuple[str, Found]]) -> dict[int, list[Found]]:
    found: dict[int, list[Found]] = {}
    for name, one in named:
        if match := _NUMBERED.fullmatch(name):
            found.setdefault(int(match[1]), []).append(one)
    return found


def _is_file(entry: Path) -> bool:
    """Whether it is a file itself: a link would show, and let close, a file from anywhere on this machine."""
    return entry.is_file() and not entry.is_symlink()
