"""Whether there is room for the server's files: a server that cannot write them ends without a word to its clients."""

from __future__ import annotations

import os

NEEDED_BYTES = 1_000_000


def is_full(folder: str | os.PathLike[str]) -> bool:
    """Whether the disk of the folder has under 1 MB left for this user; False when that cannot be told."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    blocks = disk.f_bavail if os.getuid() else disk.f_bfree  # a part is kept for root
    return blocks * disk.f_frsize < NEEDED_BYTES
