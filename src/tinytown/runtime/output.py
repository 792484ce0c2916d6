"""What a child prints: read as it comes, cut into lines, redacted, appended to the log, and handed on."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tinytown.runtime.redaction import LONGEST_SECRET, Redactor

READ_SIZE = 65_536
PIECE_SIZE = 1 << 20
"""A longer line is handed on in pieces of about this many bytes, so that memory stays bounded."""

TAIL_LINES = 50
TAIL_LINE_CHARS = 2_000
DRAIN_READS = 64
"""Reads after the child's end; a pipe holds less, and whoever still writes is not the child."""

_CUTS = b"\n\r\t\"',;"


class Output:
    """One child's output pipe.

    Args:
        fd: the reading end; it belongs to this object from now on.
        log_path: file that everything is appended to; its folder is made when missing.
        redactor: masks secrets in what is logged and handed on.
        on_line: called with each line, without its end, redacted.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        fd: int,
        *,
        log_path: Path,
        redactor: Redactor,
        on_line: Callable[[bytes], None],
        clock: Callable[[], float],
    ) -> None:
        self._fd = fd
        self._redactor = redactor
        self._on_line = on_line
        self._clock = clock
        self._pending = bytearray()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._readable = asyncio.Event()
        self._log: BinaryIO | None = _open_log(log_path)
        self.log_error: str | None = None
        """Why the log is incomplete; a full disk does not end the run."""
        self.last_at = clock()
        """When something was last printed."""

    async def pump(self) -> None:
        """Take in what is printed until the pipe closes; raises what `on_line` raises."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._fd, self._readable.set)
        try:
            while True:
                await self._readable.wait()
                self._readable.clear()
                data = self._read()
                if data == b"":
                    return
                self._take(data or b"")
        finally:
            loop.remove_reader(self._fd)

    def drain(self) -> None:
        """Take in what is left in the pipe without waiting for those who still hold it."""
        for _ in range(DRAIN_READS):
            if not (data := self._read()):
                break
            self._take(data)
        if self._pending:
            self._hand_on(bytes(self._pending), end=b"\n")
            self._pending.clear()

    def close(self) -> None:
        """Let go of the pipe and the log."""
        os.close(self._fd)
        if self._log is not None:
            self._log.close()

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines, redacted, each cut to a readable length."""
        return tuple(self._tail)

    def _read(self) -> bytes | None:
        """What there is to be read, empty at the end, None when there is nothing just now."""
        try:
            return os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return None

    def _take(self, data: bytes) -> None:
        if not data:
            return
        self.last_at = self._clock()
        self._pending += data
        if b"\n" in data:
            *lines, rest = self._pending.split(b"\n")
            self._pending = bytearray(rest)
            for line in lines:
                self._hand_on(bytes(line), end=b"\n")
        if len(self._pending) > PIECE_SIZE:
            cut = _place_to_cut(self._pending)
            piece = bytes(self._pending[:cut])
            del self._pending[:cut]
            self._hand_on(piece, end=b"")

    def _hand_on(self, line: bytes, *, end: bytes) -> None:
        shown = self._redactor(line.removesuffix(b"\r"))
        self._write(shown + end)
        self._tail.append(shown[: 4 * TAIL_LINE_CHARS].decode("utf-8", "replace")[:TAIL_LINE_CHARS])
        self._on_line(shown)

    def _write(self, data: bytes) -> None:
        if self._log is None:
            return
        try:
            self._log.write(data)
        except OSError as error:
            self.log_error = f"the log is incomplete: {error.strerror}"
            self._log.close()
            self._log = None


def _open_log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return os.fdopen(fd, "ab", buffering=0)


def _place_to_cut(line: bytearray) -> int:
    """Where a long line can be cut without cutting a secret in two."""
    tail = len(line) - LONGEST_SECRET
    found = max((line.rfind(cut, tail) for cut in _CUTS), default=-1)
    return found + 1 if found > 0 else tail
