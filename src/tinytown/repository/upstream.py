"""Where worktrees start when the work is merged elsewhere: at the remote's branches, which others move."""

from __future__ import annotations

from pathlib import Path

import structlog

from tinytown.domain.errors import RemoteError
from tinytown.repository.git import Git
from tinytown.repository.mover import Mover
from tinytown.repository.provenance import loses_others_work
from tinytown.repository.push import Standing, publish
from tinytown.repository.remote import NAME, Remote

log = structlog.get_logger("tinytown.upstream")


class Upstream:
    """The remote, as worktrees are brought up to date with it. What cannot be fetched is said and gone without."""

    def __init__(self, remote: Remote, state_folder: Path) -> None:
        """Args: state_folder is `.tt`."""
        self._remote = remote
        self._git: Git = remote.git
        self._mover = Mover(self._git, state_folder / "checkouts.json")

    def fetch(self, *branches: str) -> tuple[str, ...]:
        """Bring the branches here; what whoever works with them should know."""
        try:
            self._remote.fetch(*dict.fromkeys(branches))
        except RemoteError as error:
            log.warning("not fetched", action="fetch_failed", reason=error.message)
            return (f"{NAME} was not reached, so this is as it was fetched last: {error.message}",)
        return ()

    def fetch_commit(self, sha: str) -> None:
        """Bring a commit here that may be nowhere but there. RemoteError when that cannot be done."""
        self._remote.fetch_commit(sha)

    def is_foreign(self, branch: str, base: str, head: str | None) -> bool:
        """Whether the remote has work on a branch of that name that is not what was handed in as `head`."""
        tip, onto = self._remote.known(branch), self._remote.known(base)
        if tip is None or (onto is not None and self._git.is_ancestor(tip, onto)):
            return False
        return head is None or self._git.find_commit(head) is None or not self._git.is_ancestor(head, tip)

    def work_on(self, branch: str, base: str) -> str | None:
        """The commit of the remote's branch when it has something that its base lacks."""
        tip, onto = self._remote.known(branch), self._remote.known(base)
        return None if tip is None or (onto is not None and self._git.is_ancestor(tip, onto)) else tip

    def catch_up(self, branch: str) -> tuple[str, ...]:
        """Bring the branch here, with its clean checkouts, to where it is there; what should be known of it.

        The caller holds the git lock, and has fetched the branch. What was not pushed yet is never lost.
        """
        here, tip = self._git.find_branch(branch), self._remote.known(branch)
        if here is None or tip is None or here == tip:
            return ()
        if not self._is_superseded(branch, here, tip):
            return self._apart(branch, here, tip)
        obstacles = self._mover.obstacles(branch, here, tip)
        if not obstacles:
            self._mover.repair()
            if self._mover.move(branch, here, tip, reason=f"tinytown: follow {NAME}") is not None:
                return (f"branch {branch} was brought up to date: somebody else has pushed to it",)
        what = "; ".join(obstacles) or "it moved just now"
        return (
            f"{NAME}/{branch} has commits that are not here ({what}); bring them in with `git merge {NAME}/{branch}`",
        )

    def publish(self, branch: str) -> None:
        """Have the remote's branch at what it is here, if nobody's work there is lost by it.

        Raises:
            RemoteError: it cannot be pushed, or somebody else pushed something else.
        """
        sha = self._git.find_branch(branch)
        if sha is None:
            return
        if publish(self._remote, branch, sha) is Standing.OTHER:
            raise RemoteError(f"{branch} is not pushed: somebody else has pushed something else to {NAME}/{branch}")

    def _is_superseded(self, branch: str, here: str, tip: str) -> bool:
        """Whether what is here is in what is there, or was there and somebody took it back."""
        if self._git.is_ancestor(here, tip):
            return True
        return self._remote.had(branch, here) and not self._remote.has_pushed_last(branch)

    def _apart(self, branch: str, here: str, tip: str) -> tuple[str, ...]:
        if not loses_others_work(self._remote, branch, here, tip):
            return ()
        return (
            f"{NAME}/{branch} has other commits than {branch} here; bring them together: `git merge {NAME}/{branch}`",
        )
