"""The end of a text file, and what is added to it."""

from __future__ import annotations

import codecs
import sys
import threading
from pathlib import Path

from tinytown.cli.interruption import Interruption

POLL_SECS = 0.1
"""How often a followed file's size is looked at: all that a portable way to wait for a file comes to."""
_CHUNK_BYTES = 1 << 16


class Tail:
    """Reads what a file gets. A file that is not there yet is empty; one that shrank is read from its beginning."""

    def __init__(self, path: Path, *, from_end: bool = False) -> None:
        self._path = path
        self._offset = _size(path) if from_end else 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def last(self, lines: int) -> str:
        """The last lines; what follows them is read next."""
        size = _size(self._path)
        if size == 0 or lines == 0:
            self._offset = size
            return ""
        with self._path.open("rb") as file:
            start, found = size, b""
            while start > 0 and found.count(b"\n") <= lines:
                step = min(_CHUNK_BYTES, start)
                start -= step
                file.seek(start)
                found = file.read(step) + found
        self._offset = start + len(found)
        return self._decoder.decode(b"".join(found.splitlines(keepends=True)[-lines:]))

    def read(self) -> str:
        """What was added since the last call."""
        size = _size(self._path)
        if size < self._offset:
            self._offset = 0
        if size == self._offset:
            return ""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            added = file.read(size - self._offset)
        self._offset += len(added)
        return self._decoder.decode(added)


def show_until_interrupted(tail: Tail, lines: int | None = None) -> None:
    """Show the last lines of a file, if any are wanted, and what it gets until SIGINT or SIGTERM."""
    interruption, pause = Interruption(), threading.Event()
    with interruption.listen():
        if lines is not None:
            show(tail.last(lines))
        while not interruption.is_asked:
            show(tail.read())
            with interruption:
                pause.wait(POLL_SECS)
    show(tail.read())


def show(text: str) -> None:
    """Print text as it is, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
