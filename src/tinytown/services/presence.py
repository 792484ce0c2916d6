"""Which dispatchers of this folder live: each holds a file lock, which the kernel frees when it dies.

So what a killed one held need not be waited for, and nothing depends on process ids or host names being unique.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tinytown.repository.lock import is_free, locked

_SUFFIX = ".lock"


class Presence:
    """The dispatchers that were started in one town folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = ExitStack()

    def announce(self, name: str) -> None:
        """Be known to live until `withdraw`, or until this process ends. GitError: the file cannot be made."""
        self._held.enter_context(locked(self._file(name), is_removed_after=True))

    def withdraw(self) -> None:
        """Be no longer known."""
        self._held.close()

    def dead(self) -> tuple[str, ...]:
        """Names of those that were killed and not forgotten yet."""
        return tuple(sorted(file.stem for file in self._folder.glob(f"*{_SUFFIX}") if is_free(file)))

    def forget(self, name: str) -> None:
        """Remove the trace of one that is dead."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"
