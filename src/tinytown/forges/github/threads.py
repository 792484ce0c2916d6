"""Reviews and threads of a pull request: reviews by REST, threads by GraphQL, which alone knows what is resolved."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import chain

import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError, TooMuchError
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import PAGE_SIZE, GitHub
from tinytown.forges.github.points import author
from tinytown.forges.github.remarks import Remark, Thread
from tinytown.forges.github.shapes import CommentShape, ReviewShape
from tinytown.forges.github.sharing import Sharing
from tinytown.forges.github.thread_nodes import QUERY, Data, thread_of

_TRIED_AGAIN = timedelta(minutes=10)
_ASKED_AGAIN = timedelta(minutes=10)
"""How long threads that are all settled are taken to be so: taking one up again leaves no review."""
_MOST_KEPT = 500
_MOST_PAGES = 30
_NOT_HERE = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES", "undefinedField", "undefinedType", "argumentNotAccepted"})
"""What GraphQL says where REST must do: not for this token, or not on this server."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """All that was said of a pull request in reviews."""

    reviews: tuple[ReviewShape, ...] = ()
    threads: tuple[Thread, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether no thread is open."""
        return not any(thread.is_open for thread in self.threads)


class Threads:
    """Reads conversations. Thread-safe; keep one for a repository: it remembers the threads.

    A remark in a thread always comes with a review of its own, so threads are asked for when the reviews changed, and
    while some are open, as resolving one leaves no review. So does taking one up again: what is settled is asked for
    when somebody told of something there, before a merge, and now and then. What nobody reviewed has no threads.
    """

    def __init__(self, client: GitHub, repository: Repository, now: Callable[[], datetime]) -> None:
        self._client = client
        self._repository = repository
        self._now = now
        self._kept: dict[int, Conversation] = {}
        self._asked_at: dict[int, datetime] = {}
        self._decided: dict[int, tuple[datetime, bool]] = {}
        self._reading: Sharing[Conversation] = Sharing()
        self._without_graphql: datetime | None = None

    def asking(self, client: GitHub) -> Threads:
        """The same, with the same memory, by another client."""
        other = copy.copy(self)
        other._client = client  # noqa: SLF001  same class
        return other

    def of(self, number: int, at: datetime | None = None, *, is_thorough: bool = False) -> Conversation:
        """What is said now of a pull request.

        Args:
            number: of the pull request.
            at: when it was decided to look: for one decision it is read once.
            is_thorough: whether threads that were settled are asked for again.

        Raises:
            ForgeError: there is more than can be read; a person must look.
        """
        if at is None:
            return self._read(number, is_thorough=is_thorough)
        decision = (at, is_thorough)
        return self._reading.get((number, decision), lambda: self._once(number, decision))

    def _once(self, number: int, decision: tuple[datetime, bool]) -> Conversation:
        kept = self._kept.get(number)
        if kept is not None and self._decided.get(number) == decision:
            return kept
        found = self._read(number, is_thorough=decision[1])
        self._decided[number] = decision
        return found

    def _read(self, number: int, *, is_thorough: bool) -> Conversation:
        path = self._repository.path("/pulls/{n}/reviews", n=number)
        pages = self._client.pages(path, tuple[ReviewShape, ...], most=_MOST_PAGES)
        reviews = tuple(chain.from_iterable(pages.pages))
        kept = self._kept.get(number, Conversation())
        if kept.reviews == reviews and not self._may_differ(number, kept, is_thorough=is_thorough):
            return kept
        if pages.is_cut:
            raise _too_many(number, "reviews")
        threads = self._threads(number, kept) if reviews else ()
        return self._keep(number, Conversation(reviews=reviews, threads=threads))

    def _may_differ(self, number: int, kept: Conversation, *, is_thorough: bool) -> bool:
        """Whether threads may differ from those kept though nobody reviewed since."""
        if not kept.threads or not kept.is_settled:
            return bool(kept.threads)
        asked = self._asked_at.get(number)
        return is_thorough or asked is None or self._now() - asked >= _ASKED_AGAIN

    def _keep(self, number: int, found: Conversation) -> Conversation:
        while len(self._kept) >= _MOST_KEPT:
            oldest = next(iter(self._kept))
            for kept in (self._kept, self._asked_at, self._decided):
                kept.pop(oldest, None)
        self._asked_at[number] = self._now()
        self._kept[number] = found
        return found

    def _threads(self, number: int, kept: Conversation) -> tuple[Thread, ...]:
        if self._without_graphql is None or self._now() >= self._without_graphql:
            try:
                return self._by_graphql(number)
            except (ForgeUnavailableError, TooMuchError):
                raise
            except (NotFoundError, ForgeError) as error:
                self._give_up_graphql(error)
        return self._by_rest(number, kept)

    def _give_up_graphql(self, error: NotFoundError | ForgeError) -> None:
        """Do without it: for some time when it is not to be had, this once when it lacks a pull request.

        Raises:
            ForgeUnavailableError: it failed otherwise; without it what is settled would come up again.
        """
        kinds = error.evidence.get("kinds")
        if "status" in error.evidence or (isinstance(kinds, tuple) and _NOT_HERE & set(kinds)):
            self._without_graphql = self._now() + _TRIED_AGAIN
        elif not isinstance(error, NotFoundError):
            raise ForgeUnavailableError(f"{error.message}; it is tried again") from error

    def _by_rest(self, number: int, kept: Conversation) -> tuple[Thread, ...]:
        """Threads made of comments; what was resolved when GraphQL told is so until somebody says something more."""
        path = self._repository.path("/pulls/{n}/comments", n=number)
        pages = self._client.pages(path, tuple[CommentShape, ...], most=_MOST_PAGES)
        if pages.is_cut:
            raise _too_many(number, "comments")
        resolved = {one.id for thread in kept.threads if thread.is_resolved for one in thread.remarks}
        threads = grouped(chain.from_iterable(pages.pages))
        return tuple(msgspec.structs.replace(one, is_resolved=one.remarks[-1].id in resolved) for one in threads)

    def _by_graphql(self, number: int) -> tuple[Thread, ...]:
        found: list[Thread] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            variables = {
                "owner": self._repository.owner,
                "name": self._repository.name,
                "number": number,
                "after": after,
            }
            data = self._client.graphql(QUERY, variables, Data)
            if data.repository is None or data.repository.pull_request is None:
                raise NotFoundError(f"GitHub has no pull request #{number}, or the token may not see it")
            threads = data.repository.pull_request.review_threads
            found.extend(thread_of(node) for node in threads.nodes)
            after = threads.page_info.end_cursor
            if not threads.page_info.has_next_page:
                return tuple(found)
        raise _too_many(number, "threads")


def _too_many(number: int, what: str) -> TooMuchError:
    most = f"{_MOST_PAGES * PAGE_SIZE:,}"
    return TooMuchError(
        f"pull request #{number} has more than {most} {what}, which is more than is read; see to it by hand on GitHub"
    )


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
