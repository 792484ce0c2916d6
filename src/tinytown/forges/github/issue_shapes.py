"""GitHub's JSON of issues, only what is used of it.

https://docs.github.com/en/rest/issues?apiVersion=2022-11-28
"""

from __future__ import annotations

import msgspec

from tinytown.forges.github.shapes import UserShape


class LabelShape(msgspec.Struct, frozen=True):
    """A label of an issue."""

    name: str | None = None


class PartsSummaryShape(msgspec.Struct, frozen=True, kw_only=True):
    """How many sub-issues there are."""

    total: int
    completed: int = 0


class BlockersSummaryShape(msgspec.Struct, frozen=True, kw_only=True):
    """How many issues block it that are open."""

    blocked_by: int


class PullLinkShape(msgspec.Struct, frozen=True):
    """What an issue has that is a pull request."""

    merged_at: str | None = None


class IssueShape(msgspec.Struct, frozen=True, kw_only=True):
    """An issue, or a pull request as an issue."""

    number: int
    title: str
    state: str
    html_url: str = ""
    repository_url: str = ""
    body: str | None = None
    user: UserShape | None = None
    author_association: str = "NONE"
    labels: tuple[LabelShape | str, ...] = ()
    comments: int = 0
    pull_request: PullLinkShape | None = None
    sub_issues_summary: PartsSummaryShape | None = None
    """None where the server does not count them, as the next one."""
    issue_dependencies_summary: BlockersSummaryShape | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self.state == "open"

    @property
    def repository(self) -> tuple[str, str]:
        """(owner, repo) as GitHub spells them; empty when it does not say."""
        owner, _, name = self.repository_url.rpartition("/repos/")[2].partition("/")
        return owner, name

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of its labels."""
        names = (label if isinstance(label, str) else label.name for label in self.labels)
        return tuple(name for name in names if name)


class FoundShape(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what a search found."""

    items: tuple[IssueShape, ...] = ()
    total_count: int = 0
    incomplete_results: bool = False


class MilestoneShape(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone."""

    number: int
    title: str
    state: str = "open"
