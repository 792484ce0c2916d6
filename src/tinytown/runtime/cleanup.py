"""Clearing away what finished work leaves on this machine. What exists nowhere else is kept, and said so."""

from __future__ import annotations

import time
from pathlib import Path

import structlog

from tinytown.domain.errors import GitError, WorktreeInUseError
from tinytown.domain.ids import short
from tinytown.domain.workitem import WorkItem
from tinytown.repository.worktree import Worktrees

log = structlog.get_logger("tinytown.cleanup")

PROMPTS_KEPT_SECS = 14 * 24 * 3600
LOG_LIMIT_BYTES = 20_000_000
REVIEW_PREFIX = "review-"


class Cleaner:
    """The worktrees, prompts and logs of one town folder. Its methods block: call them in a worker thread."""

    def __init__(self, worktrees: Worktrees, runs: Path, logs: Path) -> None:
        self._worktrees = worktrees
        self._runs = runs
        self._logs = logs

    def owners(self) -> frozenset[str]:
        """Ids of the items that have a worktree here; one whose owner cannot be told is passed over, so it stays."""
        found = (self._owner(worktree.name) for worktree in self._worktrees.list())
        return frozenset(owner for owner in found if owner)

    def finished(self, item: WorkItem) -> None:
        """Remove the worktrees of an item that is merged; the branch stays, and so does a worktree with more in it."""
        if not item.is_merged:
            return
        for worktree in self._worktrees.list():
            is_review = worktree.name.startswith(f"{REVIEW_PREFIX}{short(item.id)}")
            if is_review or self._owner(worktree.name) == item.id:
                self._remove(worktree.name)

    def old_files(self) -> None:
        """Remove prompts of long ago, and put logs aside that have grown large."""
        for prompt in self._old_prompts():
            prompt.unlink(missing_ok=True)
        for file in self._large_logs():
            file.replace(file.with_suffix(".log.1"))

    def count_old(self) -> int:
        """How many files `old_files` would see to."""
        return len(self._old_prompts()) + len(self._large_logs())

    def _old_prompts(self) -> list[Path]:
        before = time.time() - PROMPTS_KEPT_SECS
        return [prompt for prompt in self._runs.glob("*.prompt.md") if prompt.stat().st_mtime < before]

    def _large_logs(self) -> list[Path]:
        return [file for file in self._logs.glob("*.log") if file.stat().st_size > LOG_LIMIT_BYTES]

    def _owner(self, name: str) -> str | None:
        try:
            return self._worktrees.owner(name)
        except (GitError, OSError) as error:
            log.warning("worktree of nobody known", action="worktree_unknown", worktree=name, reason=str(error))
            return None

    def _remove(self, name: str) -> None:
        try:
            removal = self._worktrees.remove(name)
        except (WorktreeInUseError, GitError) as error:
            log.warning("worktree kept", action="worktree_kept", worktree=name, reason=error.message)
            return
        log.info("worktree removed", action="worktree_removed", worktree=name, notes=removal.notes)
