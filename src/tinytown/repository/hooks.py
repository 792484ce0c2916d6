"""Hooks: commands that the repository's owner wants run around a worktree's life."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tinytown.domain.errors import GitError, HookError
from tinytown.repository.command import CommandRun, run_command
from tinytown.repository.git import clean_environment

WORKTREE_VARIABLE = "TINYTOWN_WORKTREE"
"""Variable of a hook that names its worktree; what a hook starts inherits it."""


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """Which command runs when; an empty one is none. Each is program and arguments, never a shell line."""

    after_create: tuple[str, ...] = ()
    """Once in a new worktree; a failure is an error."""
    before_run: tuple[str, ...] = ()
    """Before each run of an agent; a failure is an error."""
    after_run: tuple[str, ...] = ()
    """After each run; a failure is noted."""
    before_remove: tuple[str, ...] = ()
    """Before the worktree goes; a failure is noted."""
    timeout_secs: float = 300.0

    def require(self, hook: str, path: Path, branch: str, log: Path) -> None:
        """Run the hook in the worktree.

        Raises:
            HookError: it failed; the error carries the end of its output.
        """
        run = self._run(hook, path, branch, log)
        if run is not None and not run.is_ok:
            raise HookError(_told(hook, run), hook=hook, output=run.tail, log=str(run.log))

    def attempt(self, hook: str, path: Path, branch: str, log: Path) -> tuple[str, ...]:
        """Run the hook in the worktree; a failure is a note, also that its log cannot be written."""
        try:
            run = self._run(hook, path, branch, log)
        except GitError as error:
            return (f"hook {hook} failed: {error.message}",)
        return () if run is None or run.is_ok else (_told(hook, run),)

    def _run(self, hook: str, path: Path, branch: str, log: Path) -> CommandRun | None:
        argv: tuple[str, ...] = getattr(self, hook)
        if not argv:
            return None
        return run_command(argv, cwd=path, env=_environment(path, branch), log=log, timeout_secs=self.timeout_secs)


def _environment(path: Path, branch: str) -> Mapping[str, str]:
    return clean_environment() | {WORKTREE_VARIABLE: str(path), "TINYTOWN_BRANCH": branch}


def _told(hook: str, run: CommandRun) -> str:
    last = next((line.strip() for line in reversed(run.tail.splitlines()) if line.strip()), "")
    return f"hook {hook} failed ({run.reason}){': ' + last if last else ''}; see {run.log}"
