"""What is known of hosts that keep dying of an error: how often, of what, and when the next one may be started.

Kept in a file, as those who start hosts are other processes than those who die. A host that was killed is no failure:
it is started again at once.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

import msgspec

from tinytown.domain.backoff import retry_at
from tinytown.domain.ids import CONDUCTOR, new_id
from tinytown.domain.message import Message, MessageKind

FILE = "host.failures"
SOUND_SECS = 60.0
"""A host that lived this long was well: its end is the first failure again."""
TELL_AFTER = 5
"""Failures in a row after which a person is told, once."""


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts that died in a row."""

    count: int
    reason: str
    """Of the last one, in one line."""
    at: datetime
    is_told: bool = False

    @property
    def start_at(self) -> datetime:
        """When the next host may be started by itself."""
        return retry_at(self.at, self.count)


class HostFailures:
    """The record in a town's `.tt` folder. Where it cannot be kept, hosts are started as if there were none."""

    def __init__(self, state: Path) -> None:
        self._file = state / FILE

    def read(self) -> Failures | None:
        """The failures in a row, if any."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Failures)
        except (OSError, msgspec.DecodeError):
            return None

    def note(self, reason: str, *, lived_secs: float, at: datetime) -> None:
        """A host died of an error."""
        before = self.read() if lived_secs < SOUND_SECS else None
        count, is_told = (before.count, before.is_told) if before else (0, False)
        self._write(Failures(count=count + 1, reason=reason, at=at, is_told=is_told))

    def clear(self) -> None:
        """A host was well."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def to_be_told(self) -> Failures | None:
        """What a person should hear of now; says so once."""
        found = self.read()
        if found is None or found.is_told or found.count < TELL_AFTER:
            return None
        self._write(msgspec.structs.replace(found, is_told=True))
        return found

    def _write(self, failures: Failures) -> None:
        part = self._file.with_suffix(".part")
        with contextlib.suppress(OSError):  # the disk may be what it died of
            part.write_bytes(msgspec.json.encode(failures))
            part.replace(self._file)


def told_of_hosts(found: Failures, root: Path, at: datetime) -> Message:
    """What a person is told of hosts that keep dying.

    Args:
        found: how they died.
        root: the town's folder.
        at: now.
    """
    text = (
        f"the host in {root} died {found.count} times in a row, the last time of: {found.reason}; agents and checks there"
        " wait. See .tt/logs/host.log and mend what it says; it is tried again every few minutes, or at once with"
        " tt spawn"
    )
    return Message(id=new_id(), to=CONDUCTOR, sender="dispatcher", kind=MessageKind.QUERY, text=text, sent_at=at)
