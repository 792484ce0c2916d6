"""The folders that a town writes into: rights, room, secrets in files."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from tinytown.config import Settings
from tinytown.domain.finding import Finding, fine, problem, warning
from tinytown.services.machine import STATE_FOLDER
from tinytown.services.webhook_secret import secret_file

AREA = "folders"
LITTLE_BYTES = 1_000_000_000
LEAST_BYTES = 50_000_000
_OTHERS = 0o077
_PRIVATE = 0o700


def look(root: Path, settings: Settings | None, *, is_mending: bool) -> Iterator[Finding]:
    """The town's folders and files."""
    yield from _writable(root)
    yield from _state(root / STATE_FOLDER, is_mending=is_mending)
    if settings is not None:
        worktrees = root / settings.worktree.root
        if worktrees.exists() and not worktrees.is_relative_to(root / STATE_FOLDER):
            yield from _writable(worktrees)
        yield from _secrets(settings)
    yield _room(root)


def _writable(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield problem(AREA, f"{folder} is not a folder", "move away what is there")
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield problem(AREA, f"{folder} cannot be written", f"allow it: chmod u+rwx {folder}")
    else:
        yield fine(AREA, f"{folder} can be written")


def _state(folder: Path, *, is_mending: bool) -> Iterator[Finding]:
    if not folder.exists():
        yield fine(AREA, f"{folder} is made when it is needed")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if folder.is_dir() and mode & _OTHERS and is_mending and os.access(folder.parent, os.W_OK):
        folder.chmod(_PRIVATE)
        yield fine(AREA, f"{folder} is for you alone", mended=f"took others' rights to it away (it had {mode:o})")
    elif folder.is_dir() and mode & _OTHERS:
        yield warning(
            AREA, f"others of this machine may look into {folder} ({mode:o}), where prompts are", "tt doctor --fix"
        )
    yield from _writable(folder)


def _secrets(settings: Settings) -> Iterator[Finding]:
    forge = settings.forge
    key = None if forge.app_key_file is None else settings.root / Path(forge.app_key_file).expanduser()
    for file in (key, secret_file(forge, settings.root)):
        if file is not None and file.is_file() and stat.S_IMODE(file.stat().st_mode) & _OTHERS:
            yield warning(AREA, f"others of this machine may have rights to {file}, a secret", f"chmod 600 {file}")


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free on the disk of {folder}"
    if free < LEAST_BYTES:
        return problem(AREA, f"only {free / 1e6:.0f} MB free on the disk of {folder}", "free some space")
    if free < LITTLE_BYTES:
        return warning(AREA, text, "free some space: each agent has a worktree of its own")
    return fine(AREA, text)
