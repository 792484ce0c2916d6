"""Which dispatchers of this folder live: each holds a file lock, which the kernel frees when it dies.

So what a killed one held need not be waited for, and nothing depends on process ids or host names being unique.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec

from tinytown.repository.lock import is_free, locked

DISPATCHERS = "dispatchers"
"""The folder in the town's `.tt`."""
_SUFFIX = ".lock"


class Living(msgspec.Struct, frozen=True, kw_only=True):
    """A dispatcher that lives."""

    file: Path
    """Its lock."""
    pid: int | None
    """None: it could not be written, or is not written yet."""
    since: float
    """When it announced itself, seconds since the epoch."""

    def is_there(self) -> bool:
        """Whether it lives still."""
        return self.file.exists() and not is_free(self.file)


class Presence:
    """The dispatchers that were started in one town folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = ExitStack()

    def announce(self, name: str) -> None:
        """Be known to live until `withdraw`, or until this process ends. GitError: the file cannot be made."""
        self._held.enter_context(locked(self._file(name), is_removed_after=True))
        with suppress(OSError):  # the lock counts; the pid is for who wants to stop us
            self._file(name).write_text(f"{os.getpid()}\n", "ascii")

    def withdraw(self) -> None:
        """Be no longer known."""
        self._held.close()

    def living(self) -> Iterator[Living]:
        """Those that live."""
        for file in sorted(self._folder.glob(f"*{_SUFFIX}")):
            with suppress(FileNotFoundError):  # it withdrew meanwhile
                if not is_free(file):
                    text = file.read_text("ascii", errors="replace").strip()
                    yield Living(file=file, pid=int(text) if text.isdecimal() else None, since=file.stat().st_mtime)

    def dead(self) -> tuple[str, ...]:
        """Names of those that were killed and not forgotten yet."""
        return tuple(sorted(file.stem for file in self._folder.glob(f"*{_SUFFIX}") if is_free(file)))

    def forget(self, name: str) -> None:
        """Remove the trace of one that is dead."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"
