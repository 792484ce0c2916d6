"""The issues that items are made from."""

from __future__ import annotations

from tinytown.domain.errors import InvalidInputError
from tinytown.domain.refs import IssueRef, parse_issue_ref
from tinytown.domain.workitem import WorkItem
from tinytown.planner.draft import Draft


def closes(draft: Draft, item: WorkItem) -> tuple[IssueRef, ...]:
    """The issue that is done with an item; none when it was made from a document."""
    if item.source_ref is None or "#" not in item.source_ref:
        return ()
    try:
        return (parse_issue_ref(item.source_ref, draft.mission.home),)
    except InvalidInputError:
        return ()  # a document with a # in its path
