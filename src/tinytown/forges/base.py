"""The port to a forge. `local` and `github` implement it; planner and services know only this."""

from __future__ import annotations

from typing import Protocol

from tinytown.domain.issue import Issue
from tinytown.domain.pull import ChecksSeen, MergeabilitySeen, Merged, Pull, PullDraft, ReviewSeen
from tinytown.domain.refs import IssueRef
from tinytown.domain.watch import WatchKind


class Forge(Protocol):
    """A place with issues and pull requests.

    Every method may raise ForgeUnavailableError (try again later) or ForgeError (a person must look). Every method
    that changes something is idempotent: it finds what an earlier, interrupted call of the same kind left.
    """

    home: tuple[str, str]
    """(owner, repo) that bare issue numbers belong to."""

    watch_kinds: tuple[WatchKind, ...]
    """What can be watched here."""

    def issue(self, ref: IssueRef) -> Issue:
        """Read an issue. NotFoundError when there is none."""
        ...

    def default_branch(self) -> str:
        """The branch that pull requests go into."""
        ...

    def open_pull(self, draft: PullDraft) -> Pull:
        """Open the pull request, or return the one already there with its head brought up to date."""
        ...

    def pull(self, url: str) -> Pull:
        """A pull request as it is now. NotFoundError when there is none."""
        ...

    def checks(self, url: str) -> ChecksSeen:
        """The checks of the current head commit."""
        ...

    def recheck(self, url: str) -> None:
        """Run the checks of the current head commit again; until they end, `checks` says PENDING.

        Those that are queued or under way already are left alone, and so is a pull request that is not open.
        """
        ...

    def reviews(self, url: str) -> ReviewSeen:
        """What people said of the current head commit."""
        ...

    def comments(self, url: str) -> ReviewSeen:
        """What review bots said of the current head commit."""
        ...

    def mergeability(self, url: str) -> MergeabilitySeen:
        """Whether the current head commit merges into the base branch as it is now."""
        ...

    def merge(self, url: str, head: str, *, closes: tuple[IssueRef, ...]) -> Merged:
        """Merge exactly `head` and close the issues; an already merged one returns its commit.

        Raises:
            ConflictError: the head is another one now, or it does not merge any more.
        """
        ...
