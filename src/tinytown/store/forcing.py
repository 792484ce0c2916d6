"""Forcing what the town's own server wrote to disk: done by who wrote it, so that the server never waits for a disk.

The server hands each write to the operating system before it answers, which is enough to survive its being killed. A
stop of the machine is survived by what was forced besides. The files are only ever added to, so what is on disk is
always everything up to some moment.
"""

from __future__ import annotations

import os
from pathlib import Path

from tinytown.domain.errors import StoreUnavailableError
from tinytown.store.disk import is_full

_FOLDER = "appendonlydir"
_ENDING = ".incr.aof"
"""What is added to; the server forces the files that it writes anew itself."""

_force = getattr(os, "fdatasync", os.fsync)  # not everywhere


def force_to_disk(data: Path) -> None:
    """Return when everything that the server on the folder `data` has answered so far is on disk.

    Raises:
        StoreUnavailableError: it is not, the disk is full or broken.
    """
    folder = data / _FOLDER
    try:
        try:
            _force_all(folder)
        except FileNotFoundError:
            _force_all(folder)  # the server has just put a new file in its place
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreUnavailableError(f"what was stored may not be on disk: {folder}: {reason}; see to it") from error
    if is_full(folder):
        # The server keeps what it could not write, and writes it as soon as there is room.
        raise StoreUnavailableError(f"the disk of {folder} is full, what was stored may not be on it; free some space")


def _force_all(folder: Path) -> None:
    for name in os.listdir(folder):  # noqa: PTH208  each write comes here, and this is half as long
        if name.endswith(_ENDING):
            descriptor = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _force(descriptor)
            finally:
                os.close(descriptor)
