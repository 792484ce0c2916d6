"""Folders that programs of others have filled: removed whatever rights they left on them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tinytown.domain.errors import GitError


def remove_folder(path: Path) -> None:
    """Remove a folder and all in it, also what is in folders that were made read-only; none there is no error.

    Raises:
        GitError: something in it cannot be removed, say because it belongs to another user.
    """
    try:
        try:
            shutil.rmtree(path)
        except PermissionError:
            _make_writable(path)
            shutil.rmtree(path)
    except FileNotFoundError:
        if path.exists():
            raise GitError(f"{path} cannot be removed: something still writes there") from None
    except OSError as error:
        raise GitError(f"{error.filename or path} cannot be removed: {error.strerror}") from error


def _make_writable(path: Path) -> None:
    path.chmod(0o700)
    for folder, names, _ in os.walk(path):  # a folder's rights are set before it is walked into
        for inner in (Path(folder, name) for name in names):
            if not inner.is_symlink():
                inner.chmod(0o700)
