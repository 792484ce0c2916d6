"""The audit: who changed what over the network and what came of it, in the town's events and in a file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Lock

import msgspec
import structlog

from tinytown.domain.errors import TinytownError
from tinytown.store.audit import tell_of_change
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys

log = structlog.get_logger("tinytown.audit")

FILE_BYTES = 5 * 1024 * 1024
"""A file that is larger gives way to a new one."""
FILES = 5
"""So many old ones are kept."""
REFUSALS = 100
"""So many refused attempts are written in a minute; of more only the number is."""
_WINDOW = timedelta(minutes=1)
_TEXT_LIMIT = 300
_MODE = 0o600


class Audited(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt to do something."""

    at: datetime
    who: str
    """Name of the principal; empty when nobody was recognised."""
    what: str
    """Name of the operation, or method and path."""
    target: str = ""
    """What it was done to."""
    result: str
    """Status of the answer, or the name of the error."""
    request_id: str = ""
    address: str = ""
    """Where the request came from."""
    left_out: int = 0
    """Refused attempts before this one that are not in the file."""


class Audit:
    """The audit of one town. Thread-safe; trouble with it is logged and keeps nobody from anything.

    Args:
        folder: of the file `audit.log`.
        lend: a connection to the store for a moment.
        keys: the town's.
        redact: masks secrets.
    """

    def __init__(
        self,
        folder: Path,
        lend: Callable[[], AbstractContextManager[Connection]],
        keys: Keys,
        redact: Callable[[str], str],
    ) -> None:
        self._file = AuditFile(folder)
        self._lend = lend
        self._keys = keys
        self._redact = redact
        self._refusals = _Refusals()

    def changed(self, audited: Audited) -> None:
        """Note a change, or what may have been one."""
        self._write(audited)
        who = audited.who or "nobody"
        text = f"{who}: {' '.join(filter(None, (audited.what, audited.target)))}: {audited.result}"
        try:
            with self._lend() as connection:
                tell_of_change(connection, self._keys, "change", self._redact(text)[:_TEXT_LIMIT], audited.at)
        except TinytownError as error:
            log.warning("a change is not in the events", action="audit_untold", reason=error.message)

    def refused(self, audited: Audited) -> None:
        """Note an attempt that changed nothing: in the file alone, and not too many of them."""
        left_out = self._refusals.admit(audited.at)
        if left_out is not None:
            self._write(msgspec.structs.replace(audited, left_out=left_out))

    def _write(self, audited: Audited) -> None:
        line = self._redact(msgspec.json.encode(audited).decode())
        try:
            self._file.append(line)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            log.warning("the audit cannot be written", action="audit_failed", file=str(self._file.path), reason=reason)


class AuditFile:
    """Lines in a file that nobody else of the machine reads. Several processes may write to it."""

    def __init__(self, folder: Path, *, limit_bytes: int = FILE_BYTES, kept: int = FILES) -> None:
        self.path = folder / "audit.log"
        self._limit_bytes = limit_bytes
        self._kept = kept

    def append(self, line: str) -> None:
        """Add a line, to a new file when the old one is full. OSError: it cannot be written."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_suffix(".lock"), "w", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.path.exists():
                self.path.chmod(_MODE)  # it may have been copied, or made by hand
            data = f"{line}\n".encode()
            if _size(self.path) + len(data) > self._limit_bytes:
                self._rotate()
            with open(self.path, "ab", buffering=0, opener=_private) as file:
                file.write(data)

    def _rotate(self) -> None:
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{n + 1}") for n in range(self._kept))]
        for newer, older in reversed(list(pairwise(names))):
            if newer.exists():
                newer.replace(older)


class _Refusals:
    """How many refused attempts were noted within the minute."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until: datetime | None = None
        self._noted = 0
        self._left_out = 0

    def admit(self, at: datetime) -> int | None:
        """How many were left out before this one; None: this one is left out too."""
        with self._lock:
            if self._until is None or at >= self._until:
                self._until, self._noted = at + _WINDOW, 0
            if self._noted == REFUSALS:
                self._left_out += 1
                return None
            self._noted += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _MODE)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
