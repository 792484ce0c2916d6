"""Unix socket names are limited to about 100 bytes; longer ones are reached through a short symbolic link."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from tinytown.domain.errors import StoreUnavailableError

LIMIT_BYTES = 100
"""Linux takes 107, macOS 103."""


def reachable(path: str) -> str:
    """A name for the socket (absolute path) short enough to connect to: itself, or one through a link to its folder.

    The link lies in a folder that belongs to this user alone, so that nobody can point it elsewhere.

    Raises:
        StoreUnavailableError: no folder for the link can be used.
    """
    if len(os.fsencode(path)) <= LIMIT_BYTES:
        return path
    folder, name = os.path.split(path)
    for private in _private_folders():
        link = private / _digest(folder)
        if len(os.fsencode(link / name)) <= LIMIT_BYTES and _make_private(private):
            _point(link, folder)
            return str(link / name)
    raise StoreUnavailableError(
        f"the socket path {path} is too long and no private folder for a short link to it can be made;"
        " set XDG_RUNTIME_DIR or TMPDIR to a short path of your own"
    )


def release(path: str) -> None:
    """Remove the link that `reachable` made for that socket, if any; it is made again when it is needed."""
    folder, _ = os.path.split(path)
    for private in _private_folders():
        if (private / _digest(folder)).is_symlink() and _make_private(private):
            (private / _digest(folder)).unlink(missing_ok=True)


def _digest(folder: str) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]


def _private_folders() -> Iterator[Path]:
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "tinytown"
    for temporary in dict.fromkeys((os.environ.get("TMPDIR") or "/tmp", "/tmp")):  # noqa: S108  made private and checked below
        yield Path(temporary) / f"tinytown-{os.getuid()}"


def _make_private(folder: Path) -> bool:
    """Whether the folder exists now and is a real one of this user, closed to all others."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _point(link: Path, target: str) -> None:
    try:
        if link.readlink() == Path(target):
            return
    except OSError:
        pass  # missing, or no link: replaced below
    draft = link.with_name(f"{link.name}.{os.getpid()}.{threading.get_ident()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(link)
