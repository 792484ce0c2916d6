"""Conversations that can be gone on with: an agent that mends its own work remembers it, which saves tokens."""

from __future__ import annotations

from pathlib import Path

from tinytown.runtime.private_file import write_private


class Sessions:
    """One small file for each agent and worktree, under `.tt/sessions`; they mean something on this machine only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, agent_id: str, worktree: str) -> str | None:
        """The session of the agent's last good run there; one that cannot be read is none: a new one does as well."""
        try:
            return self._file(agent_id, worktree).read_text(encoding="utf-8").strip() or None
        except OSError:
            return None

    def keep(self, agent_id: str, worktree: str, session: str | None) -> None:
        """Remember a session; None forgets it, so that a broken conversation is not gone on with."""
        file = self._file(agent_id, worktree)
        if session is None:
            file.unlink(missing_ok=True)
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(file, session)

    def _file(self, agent_id: str, worktree: str) -> Path:
        return self._folder / agent_id / worktree
