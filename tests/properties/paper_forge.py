"""A forge on paper: pull requests, checks and merges in memory, with whatever trouble a test wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.domain.forge import ForgeTraits
from tinytown.domain.issue import Issue, Remark, Selection
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

T = TypeVar("T")

OUTSIDE = IssueRef("acme", "other", 9)


class KilledError(Exception):
    """The dispatcher's process was killed here; nothing of ours catches it."""


class PaperPull:
    """One pull request."""

    def __init__(self, number: int, draft: PullDraft) -> None:
        self.number = number
        self.url = f"acme/shop/pull/{number}"
        self.marker = draft.marker
        self.branch = draft.branch
        self.base = draft.base
        self.is_open = True
        self.merged_as: str | None = None


class PaperForge:
    """Implements forges.base.Forge. What tests set is in the public attributes.

    A model rather than the local forge, which has no bots, and whose checks, git and merges would make each of the
    machine's thousands of steps take a hundred times as long; the local forge has tests of its own.
    """

    home: tuple[str, str] = ("acme", "shop")
    watch_kinds: tuple[WatchKind, ...] = (WatchKind.PR_CHECKS, WatchKind.REVIEW_COMMENTS, WatchKind.MERGEABILITY)
    traits = ForgeTraits()
    parallel = 1

    def __init__(self) -> None:
        self.pulls: dict[str, PaperPull] = {}
        self.branches: dict[str, str] = {}
        self.verdicts: dict[str, Verdict] = {}
        """Checks of each commit; pending unless set."""
        self.ever_passed: set[str] = set()
        self.ever_approved: set[str] = set()
        """Commits that a reviewer or a person approved, anywhere."""
        self.unrunnable: set[str] = set()
        """Commits whose checks cannot be run until they are run again."""
        self.reviewed: dict[str, Verdict] = {}
        """What people said of each commit."""
        self.commented: dict[str, Verdict] = {}
        """What bots said of each commit."""
        self.conflicts: set[str] = set()
        self.open_issues = {OUTSIDE}
        self.trouble: list[Exception] = []
        """Raised by the next calls, one each."""
        self.is_trouble_late = False
        """Whether trouble comes after the effect of the call instead of before it."""
        self.interlude: Callable[[], None] | None = None
        """Happens once during the next call."""
        self.on_merge: Callable[[PaperPull, str], None] = lambda _pull, _head: None
        self.merge_count: dict[str, int] = {}
        self.told: dict[tuple[IssueRef, str], str] = {}

    def judge(self, head: str, verdict: Verdict) -> None:
        """The checks of a commit end so; UNKNOWN: they cannot be run."""
        self.verdicts[head] = verdict
        if verdict is Verdict.UNKNOWN:
            self.unrunnable.add(head)
        else:
            self.unrunnable.discard(head)
        if verdict is Verdict.PASSED:
            self.ever_passed.add(head)

    def judge_new(self, verdict: Verdict) -> None:
        """The checks that are still running end so."""
        for pull in self.pulls.values():
            if self.head(pull) not in self.verdicts:
                self.judge(self.head(pull), verdict)

    def review(self, head: str, verdict: Verdict) -> None:
        """A person says this of a commit."""
        self.reviewed[head] = verdict
        if verdict is Verdict.PASSED:
            self.ever_approved.add(head)

    def issue(self, ref: IssueRef) -> Issue:
        """Read an issue."""
        return self._call(lambda: Issue(ref=ref, title=str(ref), body="", is_open=ref in self.open_issues))

    def remarks(self, ref: IssueRef) -> tuple[Remark, ...]:  # noqa: ARG002  nobody says anything on paper
        """Nothing."""
        return ()

    def select(self, choice: Selection) -> tuple[IssueRef, ...]:
        """All open issues, whatever is asked for."""
        return tuple(sorted(self.open_issues)) if not choice.is_empty else ()

    def default_branch(self) -> str:
        """The base branch."""
        return "main"

    def open_pull(self, draft: PullDraft) -> Pull:
        """Open or find a pull request."""
        return self._call(lambda: self._open(draft))

    def pull(self, url: str) -> Pull:
        """A pull request."""
        return self._call(lambda: self._public(self._find(url)))

    def checks(self, url: str, known: Known | None = None) -> ChecksSeen:  # noqa: ARG002  paper does not lag
        """The checks of its head."""
        return self._call(lambda: self._checks(self._find(url)))

    def recheck(self, url: str) -> None:
        """Run the checks of its head again."""
        self._call(lambda: self._recheck(self._find(url)))

    def reviews(self, url: str, known: Known | None = None) -> ReviewSeen:  # noqa: ARG002  paper does not lag
        """What people said of its head."""
        return self._call(lambda: self._reviews(self._find(url)))

    def comments(self, url: str, known: Known | None = None) -> ReviewSeen:
        """What review bots said of its head."""
        return self._call(lambda: self._comments(self._find(url)))

    def mergeability(self, url: str, known: Known | None = None) -> MergeabilitySeen:  # noqa: ARG002  paper does not lag
        """Whether its head merges."""
        return self._call(lambda: self._mergeability(self._find(url)))

    def retarget(self, url: str, base: str) -> None:
        """Have it go into another branch."""
        self._call(lambda: setattr(self._find(url), "base", base))
    def on_behalf_of(self, mission_id: str) -> PaperForge:
        """Nothing costs anything."""
        del mission_id
        return self


    def update_branch(self, url: str, known: Known) -> Updated:  # noqa: ARG002  paper does not lag
        """Nothing is ever behind on paper."""
        return self._call(lambda: Updated(head=self.head(self._find(url))))

    def tell(self, ref: IssueRef, marker: str, text: str) -> None:
        """What an issue's comment says."""
        self._call(lambda: self.told.__setitem__((ref, marker), text))

    def merge(self, url: str, head: str, *, closes: tuple[IssueRef, ...]) -> Merged:  # noqa: ARG002  nothing to close on paper
        """Merge exactly that head, once."""
        return self._call(lambda: self._merge(self._find(url), head))

    def _call(self, act: Callable[[], T]) -> T:
        interlude, self.interlude = self.interlude, None
        if interlude is not None:
            interlude()
        trouble = self.trouble.pop(0) if self.trouble else None
        if trouble is not None and not self.is_trouble_late:
            raise trouble
        found = act()
        if trouble is not None:
            raise trouble
        return found

    def _open(self, draft: PullDraft) -> Pull:
        self.branches.setdefault(draft.branch, draft.head)
        for pull in self.pulls.values():
            if pull.marker == draft.marker:
                return self._public(pull)
        pull = PaperPull(len(self.pulls) + 1, draft)
        self.pulls[pull.url] = pull
        return self._public(pull)

    def _find(self, url: str) -> PaperPull:
        if url not in self.pulls:
            raise NotFoundError(f"there is no pull request '{url}'")
        return self.pulls[url]

    def head(self, pull: PaperPull) -> str:
        """The commit its branch is at."""
        return self.branches[pull.branch]

    def _public(self, pull: PaperPull) -> Pull:
        return Pull(
            number=pull.number,
            url=pull.url,
            branch=pull.branch,
            base=pull.base,
            head=self.head(pull),
            is_open=pull.is_open,
            merged_as=pull.merged_as,
        )

    def _checks(self, pull: PaperPull) -> ChecksSeen:
        head = self.head(pull)
        verdict = self.verdicts.get(head, Verdict.PENDING)
        trouble = "no such program" if head in self.unrunnable else ""
        run = CheckRun(name="tests", verdict=verdict, output="…", trouble=trouble)
        return ChecksSeen(head=head, verdict=verdict, runs=(run,))

    def _recheck(self, pull: PaperPull) -> None:
        if self.head(pull) in self.unrunnable:
            self.unrunnable.remove(self.head(pull))
            del self.verdicts[self.head(pull)]

    def _reviews(self, pull: PaperPull) -> ReviewSeen:
        head = self.head(pull)
        return ReviewSeen(head=head, verdict=self.reviewed.get(head, Verdict.UNKNOWN), by="ann", text="hm")

    def _comments(self, pull: PaperPull) -> ReviewSeen:
        head = self.head(pull)
        return ReviewSeen(head=head, verdict=self.commented.get(head, Verdict.UNKNOWN), by="bot", text="nit")

    def _mergeability(self, pull: PaperPull) -> MergeabilitySeen:
        head = self.head(pull)
        verdict = Verdict.FAILED if head in self.conflicts else Verdict.PASSED
        return MergeabilitySeen(head=head, verdict=verdict, merged_as=pull.merged_as, is_open=pull.is_open)

    def _merge(self, pull: PaperPull, head: str) -> Merged:
        if pull.merged_as is None:
            if self.head(pull) != head or head in self.conflicts or not pull.is_open:
                raise ConflictError(f"{pull.url} does not merge at {head}")
            self.on_merge(pull, head)
            self.merge_by_hand(pull)
        assert pull.merged_as is not None
        return Merged(sha=pull.merged_as)

    def merge_by_hand(self, pull: PaperPull) -> None:
        """The pull request is merged, by whomever."""
        self.merge_count[pull.url] = self.merge_count.get(pull.url, 0) + 1
        pull.merged_as = f"merge-of-{self.head(pull)}"
        pull.is_open = False


TROUBLES = (
    ForgeUnavailableError("no route to the forge"),
    ForgeError("no rights"),
    ConflictError("the head moved"),
    KilledError("killed"),
)
