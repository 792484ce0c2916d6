"""Bringing a pull request's branch up to date with its base: the merge is made here, so its commit is known at once.

GitHub's own way (`PUT update-branch`) says neither what the new head is nor when it is there. Ours holds nothing but
what was there and the base, so what was said of the old head still holds.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from tinytown.domain.errors import ConflictError, ForgeError, GitError
from tinytown.domain.pull import Known, Updated
from tinytown.forges.github.pushing import remote_trouble
from tinytown.forges.github.shapes import PullShape
from tinytown.repository.git import Git
from tinytown.repository.lock import locked
from tinytown.repository.mover import Mover
from tinytown.repository.push import push
from tinytown.repository.remote import Remote
from tinytown.repository.trial import trial_merge

log = structlog.get_logger("tinytown.updating")


class Updating:
    """Updates branches of one repository."""

    def __init__(self, remote: Remote, state_folder: Path) -> None:
        """Args: state_folder is `.tt`."""
        self._remote = remote
        self._git: Git = remote.git
        self._lock = state_folder / "git.lock"
        self._mover = Mover(self._git, state_folder / "checkouts.json")

    @remote_trouble()
    def update(self, pull: PullShape, known: Known, *, is_own: bool) -> Updated:
        """Merge the base into the branch and push that; the earlier update when there is one.

        Raises:
            ConflictError: head or base is another one now, or the base does not merge into it.
            ForgeError: it is not open, or its branch is a fork's. ForgeUnavailableError: the remote is not reached.
        """
        if pull.state != "open":
            raise ForgeError(f"{pull.html_url} is closed; nothing is updated")
        if not is_own:
            raise ForgeError(f"{pull.html_url} comes from a fork, whose branch is updated by its owner")
        if pull.base.ref != known.base:
            raise ConflictError(f"{pull.html_url} goes into {pull.base.ref} now, not into {known.base}")
        there = self._remote.fetch(known.branch, pull.base.ref)
        tip, base = there.get(known.branch), there.get(pull.base.ref)
        if tip is None or base is None:
            gone = known.branch if tip is None else pull.base.ref
            raise ForgeError(f"branch {gone} is not on the remote any more; push it again")
        new = self._updated(pull, known, tip, base)
        if new != tip:
            push(self._remote, known.branch, new, expected=tip)
        self._follow(known.branch, known.head, new)
        return Updated(head=new)

    @remote_trouble()
    def is_update(self, head: str, earlier: str, base: str) -> bool:
        """Whether `head` is `earlier` with its base branch merged in and nothing else; False when that is not known here."""
        tip = self._remote.known(base)
        if tip is None or self._git.find_commit(head) is None:
            return head == earlier
        return head == earlier or self._is_update(head, earlier, tip)

    def _updated(self, pull: PullShape, known: Known, tip: str, base: str) -> str:
        if tip != known.head and not self._is_update(tip, known.head, base):
            raise ConflictError(f"{pull.html_url} is at {tip[:12]} now, not at {known.head[:12]}", head=tip)
        if self._git.is_ancestor(base, tip):
            return tip
        trial = trial_merge(self._git, tip, base)
        if trial.tree is None:
            raise ConflictError(
                f"{pull.base.ref} does not merge into {known.branch}: {trial.reason}", head=tip, files=trial.conflicts
            )
        message = f"Merge branch '{pull.base.ref}' into {known.branch}\n"
        return self._git.commit_tree(trial.tree, (tip, base), message)

    def _is_update(self, tip: str, head: str, base: str) -> bool:
        """Whether what is there is `head` with the base, as it is or was, merged in and nothing else."""
        first, *others = self._git.line("rev-list", "--parents", "-1", tip).split()[1:] or [""]
        if len(others) != 1 or not self._git.is_ancestor(others[0], base):
            return False
        second = others[0]
        tree = self._git.line("rev-parse", f"{tip}^{{tree}}")
        if trial_merge(self._git, first, second).tree != tree:
            return False
        return first == head or self._is_update(first, head, base)

    def _follow(self, branch: str, old: str, new: str) -> None:
        """Move the branch here, with its clean checkouts; others are brought up to date before the next run."""
        with locked(self._lock):
            here = self._git.find_branch(branch)
            if here is None or here == new or not self._git.is_ancestor(here, new):
                return
            try:
                self._mover.repair()
                if not self._mover.obstacles(branch, here, new):
                    self._mover.move(branch, here, new, reason="tinytown: merge the base")
            except GitError as error:
                log.warning(
                    "branch here not moved", action="follow_failed", branch=branch, reason=error.message, old=old
                )
