"""People's reviews of a pull request."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tinytown.domain.pull import Known, ReviewSeen
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.points import Facts, author_of
from tinytown.forges.github.remarks import GHOST, KNOWN_BOTS, Author
from tinytown.forges.github.reviews import DECIDING, judge_people
from tinytown.forges.github.shapes import PullShape, UserShape
from tinytown.forges.github.threads import Conversation, Threads
from tinytown.forges.github.trust import Trust
from tinytown.forges.github.writers import Writers

_LASTING = frozenset({"APPROVED", "CHANGES_REQUESTED"})
"""States that hold for the base merged in, too."""

IsUpdate = Callable[[str, str, str], bool]
"""Whether a head (1) is an earlier one (2) with its base branch (3) merged in and nothing else."""


class People:
    """Looks at what people say. Thread-safe."""

    def __init__(
        self,
        client: GitHub,
        repository: Repository,
        *,
        threads: Threads,
        writers: Writers,
        trust: Trust,
        me: Callable[[], str],
        bots: tuple[str, ...] = KNOWN_BOTS,
        is_update: IsUpdate = lambda head, earlier, _: head == earlier,
    ) -> None:
        """Make it.

        Args:
            client: GitHub.
            repository: where the pull requests are.
            threads: reads what is said.
            writers: knows whose approval counts.
            trust: whose remarks are handed to agents, beside those whose approval counts.
            me: our own login, `name[bot]` for an App.
            bots: logins that are a watch of their own.
            is_update: tells whether an approval of an earlier head still holds.
        """
        self._client = client
        self._repository = repository
        self._threads = threads
        self._writers = writers
        self._trust = trust
        self._me = me
        self._bots = bots
        self._is_update = is_update

    def look(self, number: int, known: Known | None = None) -> ReviewSeen:
        """What people say of the known head, else of the one the pull request has."""
        head = known.head if known else head_of(self._client, self._repository, number)
        said = self._threads.of(number, known.at, is_thorough=known.is_thorough) if known else self._threads.of(number)
        me = Author(login=self._me()).key if said.reviews else ""
        writers = self._writers.of(one for one in _deciding(said) if one.key != me)
        facts = Facts(
            head=head,
            same=frozenset(self._same(said, known)) if known else frozenset(),
            since=known.since if known else None,
            told=frozenset(known.told) if known else frozenset(),
            me=me,
            bots=self._bots,
            writers=writers,
            trusted=writers | {one.key for one in _speaking(said) if _is_trusted(one, self._trust)},
        )
        return judge_people(said.reviews, said.threads, facts)

    def _same(self, said: Conversation, known: Known) -> Iterator[str]:
        judged = {one.commit_id for one in said.reviews if one.state in _LASTING and one.commit_id is not None}
        for commit in judged - {known.head}:
            if self._is_update(known.head, commit, known.base):
                yield commit


def head_of(client: GitHub, repository: Repository, number: int) -> str:
    """The head commit that GitHub has."""
    return client.get(repository.path("/pulls/{n}", n=number), PullShape).head.sha


def _is_trusted(author: Author, trust: Trust) -> bool:
    return author.login != GHOST and trust.covers(UserShape(author.login), author.association)


def _deciding(said: Conversation) -> Iterator[Author]:
    return (author_of(one) for one in said.reviews if one.state in DECIDING)


def _speaking(said: Conversation) -> Iterator[Author]:
    yield from (author_of(one) for one in said.reviews if one.state != "PENDING")
    yield from (one.author for thread in said.threads if not thread.is_resolved for one in thread.remarks)
