"""Ending a mission for good. What was made and is not merged stays in the repository, and is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from tinytown.domain.errors import GitError, NotFoundError, WorktreeInUseError
from tinytown.domain.ids import short
from tinytown.domain.task import TaskState
from tinytown.domain.workitem import WorkItem
from tinytown.repository.worktree import Worktree, Worktrees
from tinytown.services.caller import Caller
from tinytown.store.missions import MissionStore, Stored

REASON = "the mission was deleted"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Work of a deleted mission that is in the repository still."""

    item_key: str
    branch: str
    worktree: str = ""
    """Its folder on this machine, if there is one."""
    why: str


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """What deleting a mission did."""

    mission_id: str
    cancelled: int
    """Open tasks."""
    kept: tuple[Kept, ...] = ()


class Deletion:
    """Deletes missions of one town. Refused to agents that may not direct: NotAllowedError."""

    def __init__(
        self,
        missions: MissionStore,
        worktrees: Worktrees,
        clock: Callable[[], datetime],
        *,
        caller: Caller,
        may_direct: bool,
    ) -> None:
        self._missions = missions
        self._worktrees = worktrees
        self._clock = clock
        self._caller = caller
        self._may_direct = may_direct

    def delete(self, mission_id: str, *, is_forced: bool) -> Deleted:
        """Delete a mission with its items, watches and log, and clear away worktrees that hold nothing unmerged.

        Raises:
            ConflictError: it is active, and `is_forced` is not given. NotFoundError: there is none.
        """
        self._caller.check_directing("delete a mission", may_direct=self._may_direct)
        stored = self._missions.read(mission_id)
        assert isinstance(stored, Stored)  # noqa: S101  without a dispatcher there is no lease to be held
        cancelled = self._missions.delete(mission_id, self._clock(), is_forced=is_forced, reason=REASON)
        return Deleted(mission_id=mission_id, cancelled=cancelled, kept=tuple(self._clear(stored)))

    def _clear(self, stored: Stored) -> list[Kept]:
        """Remove what worktrees can be removed; the rest, and branches that are not merged."""
        running = {task.spec.item_id for task in stored.tasks.values() if task.state is TaskState.RUNNING}
        trees = self._worktrees.list()
        kept = []
        for item in stored.items.values():
            own = next((tree for tree in trees if self._owner(tree) == item.id), None)
            why = self._why_kept(item, own, is_running=item.id in running)
            if why:
                folder = str(own.path) if own is not None else ""
                branch = own.branch if own is not None else item.branch
                kept.append(Kept(item_key=item.key, branch=branch, worktree=folder, why=why))
            if item.id not in running:
                for tree in trees:
                    if tree.name.startswith(f"review-{short(item.id)}"):
                        self._remove(tree)
        return kept

    def _why_kept(self, item: WorkItem, own: Worktree | None, *, is_running: bool) -> str:
        """Why the item's work is kept; empty when nothing of it is, and its worktree is gone then."""
        if own is None:
            return "not merged" if item.submitted is not None and not item.is_merged else ""
        if is_running:
            return "an agent was at it, and is being stopped"
        try:
            if not item.is_merged and (made := len(self._worktrees.status(own.name).made)):
                return f"{made} commit{'s' if made > 1 else ''} not merged"
        except (GitError, NotFoundError) as error:
            return error.message
        return self._remove(own)

    def _remove(self, tree: Worktree) -> str:
        """Why the worktree could not be removed; empty when it is gone."""
        try:
            self._worktrees.remove(tree.name)
        except (WorktreeInUseError, GitError) as error:
            return error.message
        return ""

    def _owner(self, tree: Worktree) -> str | None:
        try:
            return self._worktrees.owner(tree.name)
        except (GitError, OSError):  # a record that cannot be read: it is nobody's known, so it stays
            return None
