"""Files that nobody else on the machine may read: prompts, and what resumes a conversation."""

from __future__ import annotations

import os
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def write_private(file: Path, text: str) -> None:
    """Write the file for its owner alone (0600), in a folder for its owner alone (0700), made when missing. OSError."""
    make_private(file.parent)
    with os.fdopen(os.open(file, _FLAGS, 0o600), "w", encoding="utf-8") as target:
        os.fchmod(target.fileno(), 0o600)  # likewise
        target.write(text)


def make_private(folder: Path) -> None:
    """Have the folder, for its owner alone (0700). OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)  # it may be older than this rule, or made under another umask
