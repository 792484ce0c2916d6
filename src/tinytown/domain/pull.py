"""What a forge says of a pull request. Each value names the head commit it is about."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tinytown.domain.refs import IssueRef
from tinytown.domain.workitem import Verdict


class PullDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request to be opened."""

    branch: str
    """Head branch."""
    base: str
    head: str
    """Head commit that was handed in."""
    title: str
    body: str
    marker: str
    """Hidden identification of the work item; the forge finds an earlier pull request of it by this or the branch."""
    named_url: str | None = None
    """One that the agent opened itself, if it said so."""
    closes: tuple[IssueRef, ...] = ()
    """Issues that are done with it. No text says so: anybody may have written it."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a mission knows of a pull request that it looks at; a forge may lag behind it."""

    head: str
    """Commit that was handed in last."""
    branch: str
    base: str
    since: datetime | None = None
    """When that head was handed in."""
    told: tuple[str, ...] = ()
    """Ids of the findings that were handed over to be mended."""
    closes: tuple[IssueRef, ...] = ()
    """Issues that are done when it is merged."""
    base_since: datetime | None = None
    """When it was seen to go into that base instead of another."""
    is_thorough: bool = False
    """Whether changes count that a forge leaves no trace of: somebody told of news there, or it is about to be merged."""
    at: datetime | None = None
    """When it was decided to look: looks of one decision may share what they read."""


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request as the forge has it."""

    number: int
    url: str
    """Also what watches name as their target."""
    branch: str
    base: str
    head: str
    """Current head commit."""
    is_open: bool = True
    merged_as: str | None = None
    """Commit on the base branch, once it is merged."""


class CheckRun(msgspec.Struct, frozen=True, kw_only=True):
    """One check of one commit."""

    name: str
    verdict: Verdict
    summary: str = ""
    """One line."""
    output: str = ""
    """The end of its log, as far as it is useful for mending."""
    trouble: str = ""
    """Why it could not be run, one line: not the commit's fault, so its verdict is UNKNOWN and a person must look."""
    link: str = ""
    """Where a person can look at it."""
    is_flaky: bool = False
    """Of a failed one: the reason is its own (a lost runner, a time limit, a known pattern), so it may be run again."""


class ChecksSeen(msgspec.Struct, frozen=True, kw_only=True):
    """All checks of a head commit together."""

    head: str
    verdict: Verdict
    """FAILED when one failed, whatever became of the others; UNKNOWN when some could not be run."""
    runs: tuple[CheckRun, ...] = ()
    note: str = ""
    """What is waited for, one line, when that is not plain from the runs."""
    again_secs: float | None = None
    """When to look again, if that is sooner than usual."""

    @property
    def is_worth_rerun(self) -> bool:
        """Whether it failed, and everything that failed did so for reasons of its own."""
        failed = [run for run in self.runs if run.verdict is Verdict.FAILED]
        return self.verdict is Verdict.FAILED and bool(failed) and all(run.is_flaky for run in failed)

    @property
    def trouble(self) -> str:
        """Why some of them could not be run, one line; a person must look, then `Forge.recheck` runs them again.

        Empty unless the verdict is UNKNOWN: what failed is mended first.
        """
        if self.verdict is not Verdict.UNKNOWN:
            return ""
        return "; ".join(f"check {run.name}: {run.trouble}" for run in self.runs if run.trouble)


class MergeabilitySeen(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a head commit merges into its base as that is now."""

    head: str
    verdict: Verdict
    reason: str = ""
    """Of a failure: which files conflict, or what the forge says."""
    merged_as: str | None = None
    """Commit on the base branch when somebody merged it already."""
    is_open: bool = True
    """False when a person closed it without merging."""
    notice: str = ""
    """Of one that is merged: what a person should know, e.g. a checkout that was left behind."""
    base: str | None = None
    """The branch it goes into now, where the forge tells."""
    is_behind: bool = False
    """Whether it would merge, but only brought up to date with its base first."""
    is_update: bool = False
    """Whether its head is the known one with the known base merged in and nothing else."""
    is_queued: bool = False
    """Whether it is in the forge's merge queue."""
    again_secs: float | None = None
    """When to look again, if that is sooner than usual; the forge has not worked it out yet."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody wants mended."""

    id: str
    """Names it for ever, also when its text is edited: what was handed over once is not handed over again."""
    text: str
    """Who says what, of which file and line, and the link to it."""


class ReviewSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What people (or bots) say of a head commit."""

    head: str
    verdict: Verdict
    """UNKNOWN when nobody said anything."""
    by: str = ""
    text: str = ""
    findings: tuple[Finding, ...] = ()
    """The same one by one, where the forge tells them apart; empty: `text` is all there is."""
    note: str = ""
    """What is waited for, one line."""
    ask_again: tuple[str, ...] = ()
    """Whose word is about a commit before this one, and who is to be asked to look again."""


class Updated(msgspec.Struct, frozen=True, kw_only=True):
    """A branch was brought up to date with its base, or was already."""

    head: str
    """What was there before, with the base merged in and nothing else."""


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """It is in the forge's merge queue, which merges it or throws it out."""

    position: int | None = None


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a merge."""

    sha: str
    """Merge commit on the base branch."""
    notice: str = ""
    """What a person should know, e.g. a checkout that was left behind."""
