"""A forge on paper: pull requests, checks and merges in memory, with whatever trouble a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from tinytown.domain.errors import ConflictError, ForgeError, ForgeUnavailableError, NotFoundError, QuotaError
from tinytown.domain.forge import ForgeTraits
from tinytown.domain.issue import Issue, Remark, Selected, Selection
from tinytown.domain.pull import (
    CheckRun,
    ChecksSeen,
    Finding,
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
        self.is_behind = False
        self.queued: str | None = None
        """Head that is in the merge queue."""
        self.shown: str | None = None
        """Head that the forge shows while it lags."""
        self.lag = 0
        """How many looks it lags for."""
        self.objections: dict[str, Finding] = {}
        """What a person objects to, whatever the head, until they are content."""


class PaperForge:
    """Implements forges.base.Forge. What tests set is in the public attributes.

    A model rather than the local forge, which has no bots, and whose checks, git and merges would make each of the
    machine's thousands of steps take a hundred times as long; the local forge has tests of its own.
    """

    home: tuple[str, str] = ("acme", "shop")
    host: str = ""
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
        self.flaky: set[str] = set()
        """Commits whose checks fail for reasons of their own."""
        self.reruns: dict[str, int] = {}
        """How often failed flaky checks of a commit were run again."""
        self.heard: set[str] = set()
        """Commits that were asked about what people say of them."""
        self.updates: dict[str, str] = {}
        """Heads that are another one with its base merged in and nothing else, with that one."""
        self.conflicts: set[str] = set()
        self.is_strict = False
        """Whether a merge leaves all others of its base behind."""
        self.has_queue = False
        """Whether merges go by a queue."""
        self.open_issues = {OUTSIDE}
        self.trouble: list[Exception] = []
        """Raised by the next calls, one each."""
        self.is_trouble_late = False
        """Whether trouble comes after the effect of the call instead of before it."""
        self.interlude: Callable[[], None] | None = None
        """Happens once during the next call."""
        self.before_merge: Callable[[PaperPull], None] | None = None
        """Happens once, right before something is merged."""
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

    def object(self, pull: PaperPull) -> None:
        """A person objects to something more, and goes on doing so."""
        name = f"{pull.number}-{len(pull.objections)}"
        pull.objections[name] = Finding(id=name, text=f"mend {name}")

    def content_all(self) -> None:
        """Whoever objected to something does not any more, and the queue is empty."""
        for pull in self.pulls.values():
            pull.objections.clear()
            pull.lag = 0
            self.queue_ends(pull, is_merged=True)

    def queue_ends(self, pull: PaperPull, *, is_merged: bool) -> None:
        """The merge queue merges what is in it, or throws it out."""
        if pull.queued is not None and pull.merged_as is None and is_merged and pull.queued == self.head(pull):
            self.merge_by_hand(pull)
        pull.queued = None

    def push(self, branch: str, head: str) -> None:
        """The branch moves; a queue throws out what changed."""
        self.branches[branch] = head
        for pull in self.pulls.values():
            if pull.branch == branch:
                pull.queued = None

    def review(self, head: str, verdict: Verdict) -> None:
        """A person says this of a commit."""
        self.reviewed[head] = verdict
        if verdict is Verdict.PASSED:
            self.ever_approved.add(head)

    def on_behalf_of(self, mission_id: str) -> PaperForge:
        """Nothing costs anything."""
        del mission_id
        return self

    def issue(self, ref: IssueRef) -> Issue:
        """Read an issue."""
        return self._call(lambda: Issue(ref=ref, title=str(ref), body="", is_open=ref in self.open_issues))

    def reading(self, refs: Sequence[IssueRef]) -> Callable[[IssueRef], Issue]:  # noqa: ARG002  paper is patient
        """As `issue`."""
        return self.issue

    def is_open(self, ref: IssueRef) -> bool:
        """Whether it is open."""
        return self.issue(ref).is_open

    def remarks(self, ref: IssueRef) -> tuple[Remark, ...]:  # noqa: ARG002  nobody says anything on paper
        """Nothing."""
        return ()

    def select(self, choice: Selection) -> Selected:
        """All open issues, whatever is asked for."""
        return Selected(refs=tuple(sorted(self.open_issues)) if not choice.is_empty else ())

    def ask_review(self, url: str, logins: tuple[str, ...]) -> None:
        """Nobody has to look again on paper."""

    def close(self, ref: IssueRef) -> None:
        """The issue is closed."""
        self._call(lambda: self.open_issues.discard(ref))

    def default_branch(self) -> str:
        """The base branch."""
        return "main"

    def open_pull(self, draft: PullDraft) -> Pull:
        """Open or find a pull request."""
        return self._call(lambda: self._open(draft))

    def pull(self, url: str) -> Pull:
        """A pull request."""
        return self._call(lambda: self._public(self._find(url)))

    def checks(self, url: str, known: Known | None = None) -> ChecksSeen:
        """The checks of its head."""
        return self._call(lambda: self._checks(*self._view(url, known)))

    def recheck(self, url: str, known: Known | None = None) -> None:  # noqa: ARG002  the head it has counts
        """Run the checks of its head again."""
        self._call(lambda: self._recheck(self._find(url)))

    def reviews(self, url: str, known: Known | None = None) -> ReviewSeen:
        """What people said of its head."""
        return self._call(lambda: self._reviews(*self._view(url, known), known))

    def comments(self, url: str, known: Known | None = None) -> ReviewSeen:
        """What review bots said of its head."""
        return self._call(lambda: self._comments(*self._view(url, known)))

    def mergeability(self, url: str, known: Known | None = None) -> MergeabilitySeen:
        """Whether its head merges."""
        return self._call(lambda: self._mergeability(*self._view(url, known), known))

    def retarget(self, url: str, base: str) -> None:
        """Have it go into another branch."""
        self._call(lambda: setattr(self._find(url), "base", base))

    def update_branch(self, url: str, known: Known) -> Updated:
        """Merge the base into it."""
        return self._call(lambda: self._update(self._find(url), known))

    def tell(self, ref: IssueRef, marker: str, text: str) -> None:
        """What an issue's comment says."""
        self._call(lambda: self.told.__setitem__((ref, marker), text))

    def merge(
        self,
        url: str,
        head: str,
        *,
        closes: tuple[IssueRef, ...],  # noqa: ARG002  nothing to close on paper
        known: Known | None = None,
        heeds: tuple[WatchKind, ...] = (),
    ) -> Merged | Queued:
        """Merge exactly that head, once."""
        return self._call(lambda: self._merge(self._find(url), head, known, heeds))

    def dequeue(self, url: str) -> None:
        """It is in the merge queue no more."""
        self._call(lambda: setattr(self._find(url), "queued", None))

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

    def _view(self, url: str, known: Known | None) -> tuple[PaperPull, str, bool]:
        """The pull request, the head it is seen at, and whether the forge lags behind that one."""
        pull = self._find(url)
        head = self.head(pull)
        if pull.lag > 0 and pull.shown is not None and pull.shown != head:
            pull.lag -= 1
            if known is not None and known.head == head:
                return pull, head, True
            return pull, pull.shown, False
        pull.shown = head
        return pull, head, False

    def _checks(self, pull: PaperPull, head: str, is_lagging: bool) -> ChecksSeen:  # noqa: ARG002, FBT001  as `_view` says
        if is_lagging:
            return ChecksSeen(head=head, verdict=Verdict.PENDING, note="not shown yet", again_secs=5)
        verdict = self.verdicts.get(head, Verdict.PENDING)
        trouble = "no such program" if head in self.unrunnable else ""
        is_flaky = head in self.flaky and verdict is Verdict.FAILED
        run = CheckRun(name="tests", verdict=verdict, output="…", trouble=trouble, is_flaky=is_flaky)
        return ChecksSeen(head=head, verdict=verdict, runs=(run,))

    def _recheck(self, pull: PaperPull) -> None:
        head = self.head(pull)
        if head in self.unrunnable:
            self.unrunnable.remove(head)
            del self.verdicts[head]
        elif head in self.flaky and self.verdicts.get(head) is Verdict.FAILED:
            self.reruns[head] = self.reruns.get(head, 0) + 1
            del self.verdicts[head]

    def _reviews(self, pull: PaperPull, head: str, is_lagging: bool, known: Known | None) -> ReviewSeen:  # noqa: ARG002, FBT001  as `_view` says
        self.heard.add(head)
        if pull.objections:
            assert known is not None
            return ReviewSeen(head=head, verdict=Verdict.FAILED, by="ann", findings=tuple(pull.objections.values()))
        return ReviewSeen(head=head, verdict=self.reviewed.get(head, Verdict.UNKNOWN), by="ann", text="hm")

    def _comments(self, pull: PaperPull, head: str, is_lagging: bool) -> ReviewSeen:  # noqa: ARG002, FBT001  as `_view` says
        return ReviewSeen(head=head, verdict=self.commented.get(head, Verdict.UNKNOWN), by="bot", text="nit")

    def _mergeability(
        self,
        pull: PaperPull,
        head: str,
        is_lagging: bool,  # noqa: FBT001  as `_view` says
        known: Known | None,
    ) -> MergeabilitySeen:
        if is_lagging and pull.merged_as is None:
            return MergeabilitySeen(head=head, verdict=Verdict.UNKNOWN, again_secs=5)
        is_behind = pull.is_behind and head not in self.conflicts
        verdict = Verdict.FAILED if head in self.conflicts else Verdict.PENDING if is_behind else Verdict.PASSED
        return MergeabilitySeen(
            head=head,
            verdict=verdict,
            merged_as=pull.merged_as,
            is_open=pull.is_open,
            base=pull.base,
            is_behind=is_behind,
            is_update=known is not None and known.base == pull.base and self.is_update(head, known.head),
            is_queued=pull.queued is not None,
        )

    def is_update(self, head: str, earlier: str) -> bool:
        """Whether it is the earlier one, brought up to date since once or more."""
        while head in self.updates:
            head = self.updates[head]
            if head == earlier:
                return True
        return False

    def _update(self, pull: PaperPull, known: Known) -> Updated:
        before = self.head(pull)
        assert pull.queued is None, "pushed while it is in the merge queue"
        is_known = before == known.head or self.is_update(before, known.head)
        if not is_known or before in self.conflicts or known.base != pull.base:
            raise ConflictError(f"{pull.url} cannot be brought up to date at {known.head}")
        if pull.is_behind:
            pull.is_behind = False
            self.branches[pull.branch] = after = f"{len(self.updates):04x}{before[4:]}"
            self.updates[after] = before
            self.carry(before, after)
        return Updated(head=self.head(pull))

    def carry(self, before: str, after: str) -> None:
        """What was said of a commit holds for another, into which only the base came."""
        for said in (self.ever_approved, self.heard):
            if before in said:
                said.add(after)
        if before in self.reviewed:
            self.reviewed[after] = self.reviewed[before]

    def _merge(self, pull: PaperPull, head: str, known: Known | None, heeds: tuple[WatchKind, ...]) -> Merged | Queued:
        before, self.before_merge = self.before_merge, None
        if before is not None and pull.merged_as is None:
            before(pull)
        if pull.merged_as is None:
            if self.head(pull) != head or head in self.conflicts or not pull.is_open or pull.is_behind:
                raise ConflictError(f"{pull.url} does not merge at {head}")
            if known is not None and (known.base != pull.base or self._is_objected(pull, head, heeds)):
                raise ConflictError(f"{pull.url} is another one now, or somebody objects")
            if pull.queued is None:
                self.on_merge(pull, head)
            if self.has_queue:
                pull.queued = head
                return Queued()
            self.merge_by_hand(pull)
        assert pull.merged_as is not None
        return Merged(sha=pull.merged_as)

    def _is_objected(self, pull: PaperPull, head: str, heeds: tuple[WatchKind, ...]) -> bool:
        """Whether somebody who is heeded objects just now, or the checks do not pass just now."""
        is_refused = bool(pull.objections) or self.reviewed.get(head) is Verdict.FAILED
        is_passing = self.verdicts.get(head) is Verdict.PASSED
        return not is_passing or (is_refused and WatchKind.REVIEW_COMMENTS in heeds)

    def merge_by_hand(self, pull: PaperPull) -> None:
        """The pull request is merged, by whomever."""
        self.merge_count[pull.url] = self.merge_count.get(pull.url, 0) + 1
        pull.merged_as = f"merge-of-{self.head(pull)}"
        pull.is_open, pull.queued = False, None
        for other in self.pulls.values():
            other.is_behind = other.is_behind or (self.is_strict and other.is_open and other.base == pull.base)


TROUBLES = (
    QuotaError("used up until 12:20", retry_at=datetime(2026, 1, 5, 12, 20, tzinfo=UTC)),
    ForgeUnavailableError("no route to the forge"),
    ForgeError("no rights"),
    ConflictError("the head moved"),
    KilledError("killed"),
)
