"""A lock between processes of one machine; the kernel frees it when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinytown.domain.errors import GitError


@contextmanager
def locked(path: Path, *, is_removed_after: bool = False) -> Iterator[None]:
    """Hold the exclusive lock on `path` (made when missing), waiting for whoever has it.

    Args:
        path: the lock file.
        is_removed_after: whether the file goes away again; a waiter notices and takes a new one.

    Raises:
        GitError: the file cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = _acquire(path)
    except OSError as error:
        raise GitError(f"{path} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        if is_removed_after:
            path.unlink(missing_ok=True)
        os.close(handle)


def is_free(path: Path) -> bool:
    """Whether the lock file is there and nobody holds it. Somebody who takes it just then finds it busy for a moment."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def _acquire(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        is_ours = False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            is_ours = _is_still(path, handle)
        finally:
            if not is_ours:
                os.close(handle)
        if is_ours:
            return handle


def _is_still(path: Path, handle: int) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return there.st_ino == os.fstat(handle).st_ino
