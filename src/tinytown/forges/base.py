"""The port to a forge. `local` and `github` implement it; planner and services know only this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tinytown.domain.forge import ForgeTraits
from tinytown.domain.issue import Issue, Remark, Selected, Selection
from tinytown.domain.pull import (
    ChecksSeen,
    Known,
    MergeabilitySeen,
    Merged,
    Pull,
    PullDraft,
    Queued,
    ReviewSeen,
    Updated,
)
from tinytown.domain.refs import IssueRef
from tinytown.domain.watch import WatchKind


class Forge(Protocol):
    """A place with issues and pull requests.

    Every method may raise ForgeUnavailableError (try again later) or ForgeError (a person must look). Every method
    that changes something is idempotent: it finds what an earlier, interrupted call of the same kind left.
    """

    home: tuple[str, str]
    """(owner, repo) that bare issue numbers belong to."""

    host: str
    """The only host whose URLs name issues here, with its port when that is not a usual one; empty: any."""

    watch_kinds: tuple[WatchKind, ...]
    """What can be watched here."""

    traits: ForgeTraits
    """What else it can do."""

    parallel: int
    """How many looks at once it bears."""

    def on_behalf_of(self, mission_id: str) -> Forge:
        """The same forge as one mission uses it: what it costs counts among the mission's."""
        ...

    def issue(self, ref: IssueRef) -> Issue:
        """Read an issue. NotFoundError when there is none."""
        ...

    def reading(self, refs: Sequence[IssueRef]) -> Callable[[IssueRef], Issue]:
        """How to read these issues as they are now, used at once: where many cost little more than one, they do."""
        ...

    def is_open(self, ref: IssueRef) -> bool:
        """Whether an issue is open, asked again and again: cheaper than reading it. NotFoundError when there is none."""
        ...

    def remarks(self, ref: IssueRef) -> tuple[Remark, ...]:
        """What people said below an issue, the newest ones, oldest first; not what bots or missions said."""
        ...

    def select(self, choice: Selection) -> Selected:
        """The open issues that fit, in the order of their numbers. InvalidInputError when it cannot select so."""
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

    def retarget(self, url: str, base: str) -> None:
        """Have the pull request go into another branch; nothing to do when it does."""
        ...

    def checks(self, url: str, known: Known | None = None) -> ChecksSeen:
        """The checks of the current head commit.

        Here and below, `known` is what the mission knows: where the forge lags behind, the answer is about the known
        head, PENDING or UNKNOWN until the forge has caught up.
        """
        ...

    def recheck(self, url: str, known: Known | None = None) -> None:
        """Run the checks again for which the current head commit does not pass; until they end, `checks` says PENDING.

        Those that are queued or under way already are left alone, and so is a pull request that is not open.
        """
        ...

    def reviews(self, url: str, known: Known | None = None) -> ReviewSeen:
        """What people said of the current head commit."""
        ...

    def comments(self, url: str, known: Known | None = None) -> ReviewSeen:
        """What review bots said of the current head commit."""
        ...

    def mergeability(self, url: str, known: Known | None = None) -> MergeabilitySeen:
        """Whether the current head commit merges into the base branch as it is now.

        Of one that is merged, the issues that `known` says are done with it are closed.
        """
        ...

    def update_branch(self, url: str, known: Known) -> Updated:
        """Merge the base into the pull request's branch; nothing to do when it is up to date.

        Raises:
            ConflictError: the head is another one now, or the base does not merge into it.
        """
        ...

    def tell(self, ref: IssueRef, marker: str, text: str) -> None:
        """Have the one comment with the hidden marker say this at the issue; nothing to do when it does."""
        ...

    def ask_review(self, url: str, logins: tuple[str, ...]) -> None:
        """Ask people to review the pull request again; nothing to do for those who are asked, or who opened it."""
        ...

    def close(self, ref: IssueRef) -> None:
        """Close an issue as done; nothing to do when it is closed."""
        ...

    def merge(
        self,
        url: str,
        head: str,
        *,
        closes: tuple[IssueRef, ...],
        known: Known | None = None,
        heeds: tuple[WatchKind, ...] = (),
    ) -> Merged | Queued:
        """Merge exactly `head` and close the issues; an already merged one returns its commit.

        Where the forge merges by a queue, it is put into it.

        Args:
            url: the pull request's.
            head: commit.
            closes: issues.
            known: what it was found ready by; whether that is still so is looked at right before.
            heeds: whose objections count then: `REVIEW_COMMENTS`, `BUGBOT_COMMENTS`.

        Raises:
            ConflictError: the head or the base is another one now, somebody objects, its checks do not pass any more,
                or it does not merge.
        """
        ...

    def dequeue(self, url: str) -> None:
        """Take it out of the merge queue; nothing to do when it is not in it."""
        ...
