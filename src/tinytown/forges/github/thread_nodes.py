"""Threads of a pull request as the GraphQL interface tells them: it alone knows what is resolved."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from tinytown.forges.github.remarks import Author, Remark, Thread

QUERY = """query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { isResolved isOutdated path line originalLine comments(last: 50) { nodes {
        databaseId author { login __typename } authorAssociation body createdAt url } } } } } } }"""
"""With `owner`, `name`, `number`, and `after`, the cursor at the end of the page before."""

_NUMBER = re.compile(r"#discussion_r(\d+)")


class _Node(msgspec.Struct, frozen=True, rename="camel"):
    """GraphQL's names are in camel case."""


class _Actor(msgspec.Struct, frozen=True):
    login: str
    kind: str = msgspec.field(default="User", name="__typename")


class _Comment(_Node, frozen=True):
    database_id: int | None = None
    author: _Actor | None = None
    author_association: str = "NONE"
    body: str = ""
    created_at: datetime | None = None
    url: str = ""


class _Comments(_Node, frozen=True):
    nodes: tuple[_Comment, ...] = ()


class ThreadNode(_Node, frozen=True):
    """A thread."""

    is_resolved: bool = False
    is_outdated: bool = False
    path: str = ""
    line: int | None = None
    original_line: int | None = None
    comments: _Comments = _Comments()


class _PageInfo(_Node, frozen=True):
    has_next_page: bool = False
    end_cursor: str | None = None


class _ThreadNodes(_Node, frozen=True):
    nodes: tuple[ThreadNode, ...] = ()
    page_info: _PageInfo = _PageInfo()


class _Pull(_Node, frozen=True):
    review_threads: _ThreadNodes = _ThreadNodes()


class _Repository(_Node, frozen=True):
    pull_request: _Pull | None = None


class Data(_Node, frozen=True):
    """What it answers."""

    repository: _Repository | None = None


def thread_of(node: ThreadNode) -> Thread:
    """A thread in our words."""
    return Thread(
        remarks=tuple(_remark(one) for one in node.comments.nodes),
        path=node.path,
        line=node.line or node.original_line,
        is_resolved=node.is_resolved,
        is_outdated=node.is_outdated,
    )


def _remark(comment: _Comment) -> Remark:
    """A comment's number is in its link: as `databaseId`, numbers beyond 32 bits do not fit."""
    found = _NUMBER.search(comment.url)
    actor = comment.author or _Actor("ghost")
    return Remark(
        id=found[1] if found else str(comment.database_id or comment.url),
        author=Author(login=actor.login, is_bot=actor.kind == "Bot", association=comment.author_association),
        text=comment.body,
        at=comment.created_at,
        link=comment.url,
    )
