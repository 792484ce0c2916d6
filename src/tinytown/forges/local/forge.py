"""The local forge: everything a forge does, with files, the store and git on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec

from tinytown.domain.errors import (
    ConflictError,
    ForgeError,
    ForgeUnavailableError,
    GitError,
    InvalidInputError,
    NotFoundError,
)
from tinytown.domain.forge import ForgeTraits
from tinytown.domain.issue import Issue, Remark, Selected, Selection
from tinytown.domain.pull import (
    CheckRun,
    ChecksSeen,
    Known,
    MergeabilitySeen,
    Merged,
    Pull,
    PullDraft,
    ReviewSeen,
    Updated,
)
from tinytown.domain.refs import IssueRef
from tinytown.domain.watch import WatchKind
from tinytown.domain.workitem import Verdict
from tinytown.forges.local.issues import IssueFiles
from tinytown.forges.local.look import IssueFile
from tinytown.forges.local.merge import Merger, find_merge
from tinytown.repository.branch import default_branch
from tinytown.repository.git import Git, shown
from tinytown.repository.trial import trial_merge
from tinytown.store.checks import CheckStore
from tinytown.store.pulls import PullStore, StoredPull

OWNER = "local"
_NUMBER = re.compile(r"#?([1-9][0-9]{0,9})")
_UNNAMEABLE = re.compile(r"[^A-Za-z0-9._-]+")
_EMPTY = "has no commits that its base branch lacks: nothing is left to merge"
_ATTEMPTS = 5
"""How often a branch may move while it is looked at."""
_PULL_REF = "refs/tinytown/pull"
"""Keeps the heads of open pull requests, so that git does not collect what a branch no longer holds."""


@contextmanager
def _git_trouble() -> Iterator[None]:
    try:
        yield
    except GitError as error:
        raise ForgeUnavailableError(error.message, **error.evidence) from error


class LocalForge:
    """Implements forges.base.Forge for one repository on this machine."""

    host = ""

    watch_kinds: tuple[WatchKind, ...] = (WatchKind.PR_CHECKS, WatchKind.REVIEW_COMMENTS, WatchKind.MERGEABILITY)
    traits = ForgeTraits()
    parallel = 1

    def __init__(
        self,
        *,
        root: Path,
        name: str,
        pulls: PullStore,
        checks: CheckStore,
        now: Callable[[], datetime],
        has_checks: Callable[[], bool],
        base: str | None = None,
        issues_folder: str = "issues",
    ) -> None:
        """Make the forge.

        Args:
            root: the checkout the town is in.
            name: of the repository, as issues and pull requests are called by it; what no reference can hold, such as
                spaces, becomes a dash.
            pulls: the pull requests.
            checks: their checks, which hosts run.
            now: the clock.
            has_checks: whether checks are configured now.
            base: the default branch; None: found out.
            issues_folder: where issue files are, relative to the repository's root.
        """
        self.home = (OWNER, _UNNAMEABLE.sub("-", name) or "repo")
        self._git = Git(root)
        self._pulls = pulls
        self._checks = checks
        self._now = now
        self._has_checks = has_checks
        self._base = base
        self._issues = IssueFiles(self._git, issues_folder)
        self._merger = Merger(self._git, self._issues, root / ".tt")

    def on_behalf_of(self, mission_id: str) -> LocalForge:  # noqa: ARG002  nothing here costs anything
        """Itself."""
        return self

    def issue(self, ref: IssueRef) -> Issue:
        """Read an issue file. NotFoundError when there is none; ForgeError when it is not valid."""
        return self.reading((ref,))(ref)

    def reading(self, refs: Sequence[IssueRef]) -> Callable[[IssueRef], Issue]:
        """How to read these issue files as they are now, with a few commands of git for all; errors as `issue`."""
        numbers = tuple(ref.number for ref in refs if self._is_home(ref))
        look = cache(lambda: self._issues.look(self.default_branch(), numbers))

        @_git_trouble()
        def read(ref: IssueRef) -> Issue:
            self._require_home(ref)
            return self._as_issue(ref.number, look().find(ref.number))

        return read

    def is_open(self, ref: IssueRef) -> bool:
        """Whether the issue file says that it is open; errors as `issue`."""
        return self.issue(ref).is_open

    def remarks(self, ref: IssueRef) -> tuple[Remark, ...]:
        """None: an issue file is all that is said."""
        self._require_home(ref)
        return ()

    @_git_trouble()
    def select(self, choice: Selection) -> Selected:
        """The open issues with all the labels."""
        if choice.milestone is not None or choice.query is not None:
            raise InvalidInputError("issue files can be selected by --label only; milestones and queries need a forge")
        wanted = {label.casefold() for label in choice.labels}
        look = self._issues.look(self.default_branch())
        found = (self._as_issue(number, look.find(number)) for number in look.numbers())
        fitting = (i for i in found if i.is_open and wanted <= {label.casefold() for label in i.labels})
        return Selected(refs=tuple(issue.ref for issue in fitting if isinstance(issue.ref, IssueRef)))

    def ask_review(self, url: str, logins: tuple[str, ...]) -> None:
        """Nobody reviews here whom one could ask."""
        raise ForgeError(f"{', '.join(logins)} cannot be asked to review {url}: there are no people on the local forge")

    def close(self, ref: IssueRef) -> None:
        """Issue files are closed by what is merged for them; there are no others here."""
        raise ForgeError(f"the file of {ref} is changed by a person only")

    @_git_trouble()
    def default_branch(self) -> str:
        """The configured base branch, else the one `repository.branch.default_branch` finds."""
        if self._base is not None and self._git.find_branch(self._base) is None:
            raise ForgeError(f"there is no branch '{self._base}' here; make it, or correct the base branch configured")
        return self._base or default_branch(self._git)

    @_git_trouble()
    def open_pull(self, draft: PullDraft) -> Pull:
        """Open a pull request for the branch, or bring the one there is up to date, and queue its checks."""
        fork = self._git.find_branch(draft.base)
        if fork is None:
            raise ForgeError(f"there is no branch '{draft.base}' to open a pull request into; make it")
        head = self._git.find_branch(draft.branch) or self._git.find_commit(draft.head)
        if head is None:
            raise ForgeError(f"neither branch '{draft.branch}' nor commit {draft.head[:12]} is in {self._git.folder}")
        draft = msgspec.structs.replace(draft, head=head)
        stored = self._pulls.open(draft, place=self._place, fork=fork, with_checks=self._has_checks(), at=self._now())
        self._keep(stored)
        return _public(stored)

    @_git_trouble()
    def pull(self, url: str) -> Pull:
        """A pull request; its head follows its branch, and one that somebody merged by hand is merged."""
        return _public(self._current(url, None))

    @_git_trouble()
    def checks(self, url: str, known: Known | None = None) -> ChecksSeen:
        """The results for the head. Without configured checks everything passes."""
        pull = self._current(url, known)
        runs = self._checks.results(pull.number, pull.head)
        if runs:
            return ChecksSeen(head=pull.head, verdict=_together(runs), runs=runs)
        if not self._has_checks():
            return ChecksSeen(head=pull.head, verdict=Verdict.PASSED)
        self._checks.request(pull.number, at=self._now())
        return ChecksSeen(head=pull.head, verdict=Verdict.PENDING)

    @_git_trouble()
    def recheck(self, url: str, known: Known | None = None) -> None:  # noqa: ARG002  the head is known here
        """Forget the results for the head and queue its checks, unless they wait or run already."""
        pull = self._follow(self._pulls.get(self._number(url)))
        if pull.is_open and self._has_checks():
            self._checks.request(pull.number, at=self._now(), again=True)

    @_git_trouble()
    def reviews(self, url: str, known: Known | None = None) -> ReviewSeen:
        """The last word of each reviewer on the head: one rejection is enough to fail it."""
        pull = self._current(url, known)
        last = {review.by: review for review in self._pulls.reviews(pull.number) if review.head == pull.head}
        against = [review for review in last.values() if review.verdict is Verdict.FAILED]
        said = against or [review for review in last.values() if review.verdict is Verdict.PASSED]
        if not said:
            return ReviewSeen(head=pull.head, verdict=Verdict.UNKNOWN)
        return ReviewSeen(
            head=pull.head,
            verdict=said[0].verdict,
            by=", ".join(review.by for review in said),
            text="\n\n".join(review.text for review in said if review.text),
        )

    def add_review(self, url: str, *, head: str, verdict: Verdict, by: str, text: str) -> None:
        """Keep what `by` says of commit `head`; it counts only while that is the head."""
        number = self._number(url)
        self._pulls.add_review(number, ReviewSeen(head=head, verdict=verdict, by=by, text=text), at=self._now())

    @_git_trouble()
    def comments(self, url: str, known: Known | None = None) -> ReviewSeen:
        """Nothing: no review bots comment here."""
        return ReviewSeen(head=self._current(url, known).head, verdict=Verdict.UNKNOWN)

    @_git_trouble()
    def mergeability(self, url: str, known: Known | None = None) -> MergeabilitySeen:
        """Merges on paper, into the base branch as it is now."""
        pull = self._current(url, known)
        if not pull.is_open:
            return MergeabilitySeen(
                head=pull.head, verdict=Verdict.PASSED, merged_as=pull.merged_as, notice=pull.notice
            )
        base = self._base_of(pull)
        if self._git.is_ancestor(pull.head, base):
            return MergeabilitySeen(head=pull.head, verdict=Verdict.FAILED, reason=_EMPTY)
        trial = trial_merge(self._git, base, pull.head)
        verdict = Verdict.FAILED if trial.tree is None else Verdict.PASSED
        return MergeabilitySeen(head=pull.head, verdict=verdict, reason=trial.reason)

    @_git_trouble()
    def merge(
        self,
        url: str,
        head: str,
        *,
        closes: tuple[IssueRef, ...],
        known: Known | None = None,
        heeds: tuple[WatchKind, ...] = (),
    ) -> Merged:
        """Merge exactly `head` and close the issues in the same commit; an already merged one returns its commit.

        Nothing changes here behind the mission's back but the branches: the head is all that is looked at once more.

        Raises:
            ConflictError: the head is another one now, or it does not merge any more.
        """
        del known, heeds
        pull = self._pulls.get(self._number(url))
        if pull.merged_as is not None:
            self._let_go(pull.number)
            return Merged(sha=pull.merged_as, notice=pull.notice)
        base = self._base_of(pull)
        if find_merge(self._git, base, head) is None:
            pull = self._follow(pull)
            if pull.head != head:
                raise ConflictError(f"{url} is at {pull.head[:12]} now, not at {head[:12]}", head=pull.head)
        elif self._git.is_ancestor(head, pull.fork):
            raise ConflictError(f"{url} {_EMPTY}", head=head)
        merged = self._merger.merge(pull, head, closes=self._own(closes))
        others = (f"{ref} is not an issue here; close it there" for ref in closes if not self._is_home(ref))
        notice = "\n".join(filter(None, (merged.notice, *others)))
        sha = self._pulls.record_merge(pull.number, head=head, sha=merged.sha, notice=notice, at=self._now())
        self._let_go(pull.number)
        return Merged(sha=sha, notice=notice)

    def dequeue(self, url: str) -> None:
        """There is no merge queue here, so it is in none."""

    def retarget(self, url: str, base: str) -> None:
        """Pull requests go into the branch that they were opened for: nothing here is stacked."""
        raise ForgeError(f"{url} cannot go into {base}: on the local forge nothing is stacked")

    def update_branch(self, url: str, known: Known) -> Updated:  # noqa: ARG002  nothing is ever behind
        """Merges are made into the base as it is, so there is nothing to update."""
        return Updated(head=known.head)

    def tell(self, ref: IssueRef, marker: str, text: str) -> None:
        """Issues are files and have no comments."""
        raise ForgeError(f"{ref} is a file, it has no comments for {marker}: {text[:40]}")

    def _current(self, url: str, known: Known | None) -> StoredPull:
        """The stored pull request, brought up to date with what happened to its branches.

        One that somebody merged by hand closes what the mission says is done with it.
        """
        pull = self._pulls.get(self._number(url))
        if not pull.is_open:
            return pull
        base = self._git.find_branch(pull.base)
        if base and not self._git.is_ancestor(pull.head, pull.fork):
            sha = find_merge(self._git, base, pull.head)
            if sha is not None:
                merged = self._merger.merge(pull, pull.head, closes=self._own(known.closes if known else ()))
                self._pulls.record_merge(pull.number, head=pull.head, sha=sha, notice=merged.notice, at=self._now())
                self._let_go(pull.number)
                return self._pulls.get(pull.number)
        return self._follow(pull)

    def _follow(self, pull: StoredPull) -> StoredPull:
        """The pull request with its head where its branch is."""
        for _ in range(_ATTEMPTS):
            tip = self._git.find_branch(pull.branch)
            if tip is None or tip == pull.head or not pull.is_open:
                return pull
            fork = self._git.find_branch(pull.base) or pull.fork
            pull = self._pulls.move_head(pull, tip, fork=fork, with_checks=self._has_checks(), at=self._now())
            self._keep(pull)
        raise ForgeUnavailableError(f"branch {pull.branch} keeps moving; {pull.url} is looked at later")

    def _base_of(self, pull: StoredPull) -> str:
        base = self._git.find_branch(pull.base)
        if base is None:
            raise ForgeError(f"there is no branch '{pull.base}' any more to merge {pull.url} into; make it again")
        return base

    def _keep(self, pull: StoredPull) -> None:
        self._git.run("update-ref", f"{_PULL_REF}/{pull.number}", pull.head)

    def _let_go(self, number: int) -> None:
        """A merged head is kept by the base branch."""
        self._git.run("update-ref", "-d", f"{_PULL_REF}/{number}")

    @property
    def _place(self) -> str:
        return f"{'/'.join(self.home)}/pull/"

    def _number(self, url: str) -> int:
        match = _NUMBER.fullmatch(url.removeprefix(self._place))
        if match is None:
            raise NotFoundError(f"there is no pull request '{url}' here; they are called {self._place}N")
        return int(match[1])

    def _as_issue(self, number: int, found: IssueFile) -> Issue:
        return Issue(
            ref=IssueRef(*self.home, number),
            title=found.text.title,
            body=found.text.body,
            is_open=found.text.is_open,
            labels=found.text.labels,
            author=found.text.author,
            url=shown(found.path),
        )

    def _own(self, refs: tuple[IssueRef, ...]) -> tuple[int, ...]:
        return tuple(ref.number for ref in refs if self._is_home(ref))

    def _is_home(self, ref: IssueRef) -> bool:
        return ref.folded.repository == IssueRef(*self.home, 1).folded.repository

    def _require_home(self, ref: IssueRef) -> None:
        if not self._is_home(ref):
            raise NotFoundError(
                f"there is no issue {ref} here: the local forge has those of {'/'.join(self.home)} only"
            )


def _together(runs: tuple[CheckRun, ...]) -> Verdict:
    verdicts = {run.verdict for run in runs}
    if Verdict.FAILED in verdicts:
        return Verdict.FAILED
    return Verdict.PASSED if verdicts == {Verdict.PASSED} else Verdict.UNKNOWN


def _public(pull: StoredPull) -> Pull:
    return Pull(
        number=pull.number,
        url=pull.url,
        branch=pull.branch,
        base=pull.base,
        head=pull.head,
        is_open=pull.is_open,
        merged_as=pull.merged_as,
    )
