"""Reviews and threads of a pull request: reviews by REST, threads by GraphQL, which alone knows what is resolved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import chain

import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import MOST_PAGES, GitHub
from tinytown.forges.github.points import author
from tinytown.forges.github.remarks import Author, Remark, Thread
from tinytown.forges.github.shapes import CommentShape, ReviewShape
from tinytown.forges.github.sharing import Sharing

_QUERY = """query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { isResolved isOutdated path line originalLine comments(last: 50) { nodes {
        databaseId author { login __typename } authorAssociation body createdAt url } } } } } } }"""
_NUMBER = re.compile(r"#discussion_r(\d+)")
_TRIED_AGAIN = timedelta(minutes=10)
_MOST_KEPT = 500


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """All that was said of a pull request in reviews."""

    reviews: tuple[ReviewShape, ...] = ()
    threads: tuple[Thread, ...] = ()


class Threads:
    """Reads conversations. Thread-safe; keep one for a repository: it remembers the threads.

    A remark in a thread always comes with a review of its own, so threads are asked for when the reviews changed, and
    while some are open, as resolving one leaves no review. What nobody reviewed has no threads.
    """

    def __init__(self, client: GitHub, repository: Repository, now: Callable[[], datetime]) -> None:
        self._client = client
        self._repository = repository
        self._now = now
        self._kept: dict[int, Conversation] = {}
        self._decided: dict[int, datetime] = {}
        self._reading: Sharing[Conversation] = Sharing()
        self._without_graphql: datetime | None = None

    def of(self, number: int, at: datetime | None = None) -> Conversation:
        """What is said now of a pull request; at `at` it was decided to look, and is read once for that decision."""
        if at is None:
            return self._read(number)
        return self._reading.get((number, at), lambda: self._once(number, at))

    def _once(self, number: int, at: datetime) -> Conversation:
        kept = self._kept.get(number)
        if kept is not None and self._decided.get(number) == at:
            return kept
        found = self._read(number)
        self._decided[number] = at
        return found

    def _read(self, number: int) -> Conversation:
        pages = self._client.pages(self._repository.path("/pulls/{n}/reviews", n=number), tuple[ReviewShape, ...])
        reviews = tuple(chain.from_iterable(pages.pages))
        kept = self._kept.get(number)
        if kept is not None and kept.reviews == reviews and not any(thread.is_open for thread in kept.threads):
            return kept
        found = Conversation(reviews=reviews, threads=self._threads(number) if reviews else ())
        while len(self._kept) >= _MOST_KEPT:
            oldest = next(iter(self._kept))
            self._kept.pop(oldest, None)
            self._decided.pop(oldest, None)
        self._kept[number] = found
        return found

    def _threads(self, number: int) -> tuple[Thread, ...]:
        if self._without_graphql is None or self._now() >= self._without_graphql:
            try:
                return self._by_graphql(number)
            except ForgeUnavailableError:
                raise
            except (NotFoundError, ForgeError):  # not for this token, or not on this server
                self._without_graphql = self._now() + _TRIED_AGAIN
        path = self._repository.path("/pulls/{n}/comments", n=number)
        pages = self._client.pages(path, tuple[CommentShape, ...]).pages
        return grouped(chain.from_iterable(pages))

    def _by_graphql(self, number: int) -> tuple[Thread, ...]:
        found: list[Thread] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            variables = {
                "owner": self._repository.owner,
                "name": self._repository.name,
                "number": number,
                "after": after,
            }
            data = self._client.graphql(_QUERY, variables, _Data)
            if data.repository is None or data.repository.pull_request is None:
                raise NotFoundError(f"GitHub has no pull request #{number}, or the token may not see it")
            threads = data.repository.pull_request.review_threads
            found.extend(_thread(node) for node in threads.nodes)
            after = threads.page_info.end_cursor
            if not threads.page_info.has_next_page:
                break
        return tuple(found)


def grouped(comments: Iterable[CommentShape]) -> tuple[Thread, ...]:
    """Threads of REST's comments, in which nothing says what is resolved; outdated ones have no line any more."""
    by_first: dict[int, list[CommentShape]] = {}
    for one in sorted(comments, key=lambda one: one.id):
        by_first.setdefault(one.in_reply_to_id or one.id, []).append(one)
    return tuple(_rest_thread(its) for its in by_first.values())


def remark_of(comment: CommentShape) -> Remark:
    """A comment as REST tells it."""
    return Remark(
        id=str(comment.id),
        author=author(comment.user, comment.author_association),
        text=comment.body or "",
        at=comment.created_at,
        link=comment.html_url,
    )


def _rest_thread(comments: list[CommentShape]) -> Thread:
    first = comments[0]
    return Thread(
        remarks=tuple(remark_of(one) for one in comments),
        path=first.path or "",
        line=first.line or first.original_line,
        is_outdated=first.line is None and first.subject_type != "file",
    )


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


class _ThreadNode(_Node, frozen=True):
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
    nodes: tuple[_ThreadNode, ...] = ()
    page_info: _PageInfo = _PageInfo()


class _Pull(_Node, frozen=True):
    review_threads: _ThreadNodes = _ThreadNodes()


class _Repository(_Node, frozen=True):
    pull_request: _Pull | None = None


class _Data(_Node, frozen=True):
    repository: _Repository | None = None


def _thread(node: _ThreadNode) -> Thread:
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
