"""Review bots' remarks on a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain

import msgspec

from tinytown.domain.pull import Known, ReviewSeen
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.people import head_of
from tinytown.forges.github.points import Facts
from tinytown.forges.github.remarks import KNOWN_BOTS, Author, Remark
from tinytown.forges.github.reviews import judge_bots
from tinytown.forges.github.shapes import CommentShape
from tinytown.forges.github.threads import Threads, remark_of


class Bots:
    """Looks at what bots say. Thread-safe."""

    def __init__(
        self,
        client: GitHub,
        repository: Repository,
        *,
        threads: Threads,
        me: Callable[[], str],
        names: tuple[str, ...] = KNOWN_BOTS,
        pattern: str | None = None,
    ) -> None:
        """Make it.

        Args:
            client: GitHub.
            repository: where the pull requests are.
            threads: reads what is said.
            me: our own login, `name[bot]` for an App.
            names: logins of the bots; one without `[bot]` may be a person's account that a program uses.
            pattern: regular expression of their summaries below the pull request that want something; None: those are
                never read, as most of them only say what was looked at.
        """
        self._client = client
        self._repository = repository
        self._threads = threads
        self._me = me
        self._names = names
        self._pattern = re.compile(pattern) if pattern else None

    def look(self, number: int, known: Known | None = None) -> ReviewSeen:
        """What bots say of the known head, else of the one the pull request has."""
        said = self._threads.of(number, known.at, is_thorough=known.is_thorough) if known else self._threads.of(number)
        facts = Facts(
            head=known.head if known else head_of(self._client, self._repository, number),
            since=known.since if known else None,
            told=frozenset(known.told) if known else frozenset(),
            me=Author(login=self._me()).key if said.reviews else "",
            bots=self._names,
        )
        return judge_bots(said.reviews, said.threads, self._summaries(number), facts)

    def _summaries(self, number: int) -> tuple[Remark, ...]:
        if self._pattern is None:
            return ()
        path = self._repository.path("/issues/{n}/comments", n=number)
        comments = chain.from_iterable(self._client.pages(path, tuple[CommentShape, ...]).pages)
        return tuple(_versioned(one) for one in comments if self._pattern.search(one.body or ""))


def _versioned(comment: CommentShape) -> Remark:
    """Bots write their summary anew into the same comment: each version that wants something is news."""
    remark = remark_of(comment)
    if comment.updated_at is None or comment.updated_at == comment.created_at:
        return remark
    version = int(comment.updated_at.timestamp())
    return msgspec.structs.replace(remark, id=f"{remark.id}@{version}", at=comment.updated_at)
