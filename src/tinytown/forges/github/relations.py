"""What GitHub itself knows of issues that need others: "blocked by", and sub-issues.

Asked for only where an issue's own summary leaves anything to ask; servers without them answer 404, which is remembered.
https://docs.github.com/en/rest/issues/issue-dependencies, https://docs.github.com/en/rest/issues/sub-issues
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from tinytown.domain.errors import NotFoundError
from tinytown.domain.issue import Relation, RelationSource
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.issue_shapes import IssueShape

_PATHS = MappingProxyType(
    {RelationSource.BLOCKED_BY: "/dependencies/blocked_by", RelationSource.SUB_ISSUE: "/sub_issues"}
)


class Relations:
    """Reads relations. Thread-safe."""

    def __init__(self, client: GitHub, named: Callable[[IssueShape], IssueRef]) -> None:
        """Make it.

        Args:
            client: asks GitHub.
            named: the reference of an issue that GitHub showed.
        """
        self._client = client
        self._named = named
        self._lacking: set[RelationSource] = set()
        """What this server does not have."""

    def of(self, path: str, issue: IssueShape) -> tuple[Relation, ...]:
        """What an issue needs; nothing for one that is closed.

        Args:
            path: the issue's path of the API.
            issue: the same as read.
        """
        if not issue.is_open or issue.pull_request is not None:
            return ()
        return tuple(relation for source in _PATHS for relation in self._read(source, path, issue))

    def _read(self, source: RelationSource, path: str, issue: IssueShape) -> tuple[Relation, ...]:
        expected = _expected(source, issue)
        if expected == 0 or (expected is None and source in self._lacking):
            return ()
        try:
            found = self._client.pages(path + _PATHS[source], tuple[IssueShape, ...])
        except NotFoundError:
            if expected is not None:
                raise
            self._lacking.add(source)
            return ()
        return tuple(Relation(self._named(one), source, one.is_open) for page in found.pages for one in page)


def _expected(source: RelationSource, issue: IssueShape) -> int | None:
    """How many that are open the issue's own summary speaks of; None when it has none."""
    if source is RelationSource.BLOCKED_BY:
        blockers = issue.issue_dependencies_summary
        return None if blockers is None else blockers.blocked_by
    parts = issue.sub_issues_summary
    return None if parts is None else parts.total - parts.completed
