"""Files that survive a crash: written in one step, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from tinytown.domain.errors import GitError


def replace_file(file: Path, content: bytes) -> None:
    """Replace the file (made when missing, with its folder), so that a crash leaves the old or the new one.

    Raises:
        GitError: it cannot be written.
    """
    draft = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        draft.replace(file)
    except OSError as error:
        raise GitError(f"{file} cannot be written: {error.strerror}") from error
