"""The GitHub forge: everything a forge does, each part of it in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock

import msgspec

from tinytown.domain.errors import ForgeError
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
from tinytown.domain.workitem import Verdict
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.closing import Closing
from tinytown.forges.github.comments import StatusComments
from tinytown.forges.github.issues import Issues
from tinytown.forges.github.last_look import require_ready
from tinytown.forges.github.looks import AtMerge, Choices, open_looks
from tinytown.forges.github.merging import Merging, Turn
from tinytown.forges.github.pulls import Pulls, public
from tinytown.forges.github.pushing import Heads
from tinytown.forges.github.rules import Rules
from tinytown.forges.github.shapes import PullShape, RepositoryShape
from tinytown.forges.github.trust import Trust
from tinytown.forges.github.updating import Updating
from tinytown.forges.github.viewer import Viewer
from tinytown.repository.remote import Remote

_MOST_MISSIONS = 100


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the work is: the repository on GitHub and its clone here."""

    repository: Repository
    remote: Remote
    state_folder: Path
    """`.tt`."""


class GitHubForge:
    """Implements forges.base.Forge for one repository on GitHub. Thread-safe; each part finds its own footprint."""

    watch_kinds: tuple[WatchKind, ...] = tuple(WatchKind)
    traits = ForgeTraits(stacks=True, closes=True, hears=True, has_status=True)
    parallel = 8

    def __init__(
        self, client: GitHub, place: Place, choices: Choices, *, turn: Turn, now: Callable[[], datetime]
    ) -> None:
        """Make the forge; nothing is asked yet.

        Args:
            client: asks GitHub; closed by whoever made it.
            place: the repository.
            choices: what is configured.
            turn: holds the turn of merging into a branch.
            now: the clock.
        """
        repository = place.repository
        viewer = Viewer(client)
        self.home = (repository.owner, repository.name)
        self.host = repository.host
        self._client = client
        self._repository = repository
        self._given = (place, choices, turn, now)
        self._lock = Lock()
        self._of_missions: dict[str, GitHubForge] = {}
        self._default_branch = choices.default_branch
        self._issues = Issues(client, repository, Trust(choices.trusted))
        self._updating = Updating(place.remote, place.state_folder)
        self._open_looks = partial(
            open_looks, client, repository, choices, viewer, now, is_update=self._updating.is_update
        )
        self._looks = self._open_looks()
        self._rules = Rules(client, repository, now)
        self._heads = Heads(place.remote, now)
        self._pulls = Pulls(client, repository)
        self._closing = Closing(client, repository)
        self._merging = Merging(
            client,
            repository,
            self._pulls,
            rules=self._rules,
            closing=self._closing,
            turn=turn,
            method=choices.merge_method,
        )
        self._comments = StatusComments(client, repository, viewer.login)

    def on_behalf_of(self, mission_id: str) -> GitHubForge:
        """The same forge; what is asked through it counts among the mission's requests.

        It is kept, as it remembers what it read; the one longest unused goes when there are many.
        """
        place, choices, turn, now = self._given
        with self._lock:
            found = self._of_missions.pop(mission_id, None) or GitHubForge(
                self._client.on_behalf_of(mission_id), place, choices, turn=turn, now=now
            )
            self._of_missions[mission_id] = found
            while len(self._of_missions) > _MOST_MISSIONS:
                del self._of_missions[next(iter(self._of_missions))]
        return found

    def issue(self, ref: IssueRef) -> Issue:
        """Read an issue, with its relations. NotFoundError when there is none, or it is gone."""
        return self._issues.read(ref)

    def reading(self, refs: Sequence[IssueRef]) -> Callable[[IssueRef], Issue]:  # noqa: ARG002  GitHub is asked for each
        """As `issue`."""
        return self.issue

    def is_open(self, ref: IssueRef) -> bool:
        """Whether an issue is open; can wait when the quota runs low."""
        return self._issues.is_open(ref)

    def remarks(self, ref: IssueRef) -> tuple[Remark, ...]:
        """What people said below an issue."""
        return self._issues.remarks(ref)

    def select(self, choice: Selection) -> Selected:
        """The open issues that fit."""
        return self._issues.select(choice)

    def default_branch(self) -> str:
        """The configured base branch, else the repository's."""
        if self._default_branch is None:
            found = self._client.get(self._repository.path(), RepositoryShape)
            if found.default_branch is None:
                raise ForgeError(f"{self._repository} has no default branch; set default_branch under [forge]")
            self._default_branch = found.default_branch
        return self._default_branch

    def open_pull(self, draft: PullDraft) -> Pull:
        """Push the branch and open its pull request, or return the one that is there."""
        head = self._heads.publish(draft.branch, draft.head)
        pull = self._pulls.ensure(draft)
        return public(pull, head=head if pull.head.ref == draft.branch else None)

    def pull(self, url: str) -> Pull:
        """A pull request as GitHub has it. NotFoundError when there is none."""
        return public(self._pulls.read(self._pulls.number(url)))

    def retarget(self, url: str, base: str) -> None:
        """Have it go into another branch; nothing to do when it does."""
        self._pulls.retarget(self._pulls.number(url), base)

    def checks(self, url: str, known: Known | None = None) -> ChecksSeen:
        """The checks and statuses of the known head."""
        return self._looks.checks.look(self._pulls.number(url), known)

    def recheck(self, url: str, known: Known | None = None) -> None:
        """Run again what failed and gates."""
        self._looks.checks.again(self._pulls.number(url), known)

    def reviews(self, url: str, known: Known | None = None) -> ReviewSeen:
        """What people say of the known head."""
        return self._looks.people.look(self._pulls.number(url), known)

    def comments(self, url: str, known: Known | None = None) -> ReviewSeen:
        """What review bots say of the known head."""
        return self._looks.bots.look(self._pulls.number(url), known)

    def mergeability(self, url: str, known: Known | None = None) -> MergeabilitySeen:
        """Whether it merges; sees to it that GitHub has the known head, and closes the issues of a merged one."""
        pull = self._looks.pulls.read(self._pulls.number(url))
        lag = self._heads.lag(pull, known)
        if lag is not None and known is not None:
            return MergeabilitySeen(
                head=known.head,
                verdict=Verdict.UNKNOWN,
                reason=lag.reason,
                base=pull.base.ref,
                again_secs=lag.again_secs,
            )
        seen = self._looks.mergeability.of(pull)
        if known is not None and (pull.head.sha, pull.base.ref) != (known.head, known.base):
            seen = msgspec.structs.replace(seen, is_update=self._is_update(pull, known))
        if not pull.is_merged:
            return seen
        done = self._merging.finish(pull, known.closes if known else ())
        notices = (seen.notice, done.notice, self._left_out(pull, known))
        return msgspec.structs.replace(seen, notice="\n".join(filter(None, notices)))

    def _is_update(self, pull: PullShape, known: Known) -> bool:
        """Whether only the base came in; what comes of another base is somebody's work that nobody has looked at."""
        if pull.is_merged or pull.base.ref != known.base:
            return False
        return self._updating.is_update(pull.head.sha, known.head, known.base)

    def _left_out(self, pull: PullShape, known: Known | None) -> str:
        if known is None or self._updating.is_update(known.head, pull.head.sha, known.base):
            return ""  # no work of anybody's
        return self._heads.left_out(pull, known)

    def update_branch(self, url: str, known: Known) -> Updated:
        """Merge the base into the branch and push it."""
        pull = self._pulls.read(self._pulls.number(url))
        return self._updating.update(pull, known, is_own=self._pulls.is_own(pull))

    def tell(self, ref: IssueRef, marker: str, text: str) -> None:
        """Have the one status comment say this."""
        self._comments.tell(ref, marker, text)

    def ask_review(self, url: str, logins: tuple[str, ...]) -> None:
        """Request the reviews of those who are not requested, and did not open it."""
        self._pulls.ask_review(self._pulls.number(url), logins)

    def close(self, ref: IssueRef) -> None:
        """Close an issue as done; nothing to do when it is closed. NotFoundError: it is gone."""
        self._closing.ensure(ref)

    def merge(
        self,
        url: str,
        head: str,
        *,
        closes: tuple[IssueRef, ...],
        known: Known | None = None,
        heeds: tuple[WatchKind, ...] = (),
    ) -> Merged | Queued:
        """Merge exactly `head` if it is still ready, or have the queue do so, and close the issues."""
        number = self._pulls.number(url)
        if known is None:
            return self._merging.merge(number, head, closes=closes)
        last_look = partial(self._last_look, number, known, heeds)
        return self._merging.merge(number, head, closes=closes, base=known.base, last_look=last_look)

    def dequeue(self, url: str) -> None:
        """Take it out of the merge queue."""
        self._merging.dequeue(self._pulls.number(url))

    def _last_look(self, number: int, known: Known, heeds: tuple[WatchKind, ...]) -> None:
        common = AtMerge(rules=self._rules, reruns=self._looks.reruns, threads=self._looks.threads)
        require_ready(self._open_looks(at_merge=common), number, known, heeds)
