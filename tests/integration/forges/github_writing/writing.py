"""The parts that write to GitHub, and the steps that every test of them begins with."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from tests.repositories import branch_with

from tinytown.domain.pull import Known, PullDraft
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.comments import StatusComments
from tinytown.forges.github.merging import Merging
from tinytown.forges.github.pulls import Pulls
from tinytown.forges.github.pushing import Heads
from tinytown.forges.github.rules import Rules
from tinytown.forges.github.shapes import PullShape
from tinytown.forges.github.updating import Updating
from tinytown.repository.git import Git
from tinytown.repository.remote import Remote

MARKER = "<!-- tinytown:item=0000-item -->"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class Writing(msgspec.Struct, kw_only=True):
    """Everything at hand."""

    git: Git
    remote: Remote
    pulls: Pulls
    heads: Heads
    rules: Rules
    merging: Merging
    updating: Updating
    comments: StatusComments

    def commit(self, branch: str, files: dict[str, str | None]) -> str:
        """One more commit on a branch here, made from the remote's main when it is new; its sha."""
        return branch_with(self.git, branch, files, start="origin/main")

    def pushed(self, branch: str, files: dict[str, str | None]) -> str:
        """The same, pushed."""
        sha = self.commit(branch, files)
        self.heads.publish(branch, sha)
        return sha

    def opened(self, branch: str = "tt/1", files: dict[str, str | None] | None = None, *, closes: int = 0) -> PullShape:
        """A pull request of a new branch, as a mission opens it."""
        head = self.pushed(branch, files or {branch: "x\n"})
        return self.pulls.ensure(drafted(head, branch=branch, closes=closes))


def drafted(
    head: str, *, branch: str = "tt/1", base: str = "main", closes: int = 0, named: str | None = None
) -> PullDraft:
    """What a mission wants opened."""
    return PullDraft(
        branch=branch,
        base=base,
        head=head,
        title=f"Do {branch}",
        body=f"Do {branch}, says @rev",
        marker=MARKER,
        named_url=named,
        closes=(IssueRef("octo", "town", closes),) if closes else (),
    )


def known(head: str, *, branch: str = "tt/1", since: datetime | None = None) -> Known:
    """What a mission knows of its pull request."""
    return Known(head=head, branch=branch, base="main", since=since)
