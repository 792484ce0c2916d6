"""What is written down beside each worktree: whose it is, and how far its making has come."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import msgspec

from tinytown.domain.errors import GitError
from tinytown.repository.durable import replace_file


class Phase(Enum):
    """How far the making of a worktree has come."""

    ADDING = "adding"
    """git is making it; nobody has worked there."""
    FURNISHING = "furnishing"
    """Files are copied in and its first hook runs."""
    READY = "ready"
    """In use."""


class WorktreeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One worktree, in the file `.<name>.json` beside its folder."""

    owner: str
    """Id of the work item; empty for a review."""
    branch: str
    """Empty when detached."""
    base: str
    """What the branch is to be merged into."""
    start: str
    """Commit it began with; what came after it was made here."""
    phase: Phase


def read_record(file: Path) -> WorktreeRecord | None:
    """The record, None when there is none.

    Raises:
        GitError: it cannot be read as one.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=WorktreeRecord)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GitError(f"{file} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise GitError(f"{file} is damaged ({error}); remove it, the worktree beside it is then adopted") from error


def write_record(file: Path, record: WorktreeRecord) -> None:
    """Replace the record in one step, so that a crash leaves the old or the new one."""
    replace_file(file, msgspec.json.encode(record))
