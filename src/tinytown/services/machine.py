"""Who this machine is for a town: agents belong to the machine whose disk has their worktrees."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

from tinytown.domain.errors import ConfigError
from tinytown.domain.ids import new_id

STATE_FOLDER = ".tt"
_FILE = "machine"


def state_folder(root: Path) -> Path:
    """The town's `.tt` here, made when missing; nobody else of the machine may look in: prompts and copied secrets.

    Raises:
        ConfigError: it cannot be made.
    """
    folder = root / STATE_FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"cannot use {folder}: {(error.strerror or str(error)).lower()}; make room or allow writing there"
        ) from error
    return folder


def machine_id(root: Path) -> str:
    """The id of this machine and this folder of the town, made when first asked for (a fresh clone has none).

    Raises:
        ConfigError: the file cannot be read or written, or holds something else.
    """
    path = state_folder(root) / _FILE
    try:
        if not path.exists():
            _create(path)
        text = path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigError(
            f"cannot use {path}: {(error.strerror or str(error)).lower()}; make room or allow writing there"
        ) from error
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise ConfigError(f"{path} holds no id; remove it, and the next command makes a new one") from error


def _create(path: Path) -> None:
    """Write the file as a whole; when two do so at once, the first one counts."""
    identity = new_id()
    draft = path.with_name(f".{_FILE}.{identity}")
    try:
        draft.write_text(f"{identity}\n", "utf-8")
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
