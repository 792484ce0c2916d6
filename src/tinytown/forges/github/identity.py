"""Whether the repository is still the one that the town began with: names move, and others may take them.

GitHub sends requests under an old name on to the repository's number, until somebody takes the name.
https://docs.github.com/en/repositories/creating-and-managing-repositories/renaming-a-repository
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from tinytown.domain.errors import ForgeError
from tinytown.domain.ids import CONDUCTOR, new_id
from tinytown.domain.message import Message, MessageKind
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.shapes import RepositoryShape
from tinytown.store.keys import Keys
from tinytown.store.pool import ConnectionPool
from tinytown.store.repositories import RepositoryStore

KEPT = timedelta(minutes=10)
"""How long an answer holds."""


class Identity:
    """Guards what is asked of one repository. Thread-safe; `close()` it."""

    def __init__(
        self,
        repository: Repository,
        pool: ConnectionPool,
        keys: Keys,
        *,
        meant: int | None,
        now: Callable[[], datetime],
    ) -> None:
        """Ask nothing yet.

        Args:
            repository: as the town calls it.
            pool: connections to the store that remembers.
            keys: the town's.
            meant: `[forge] repository_id`.
            now: the clock.
        """
        self._repository = repository
        self._pool = pool
        self._keys = keys
        self._meant = meant
        self._now = now
        self._lock = Lock()
        self._good_until: datetime | None = None

    def check(self, client: GitHub) -> None:
        """Ask who it is, every ten minutes; tell the conductor once when it has another name now.

        Raises:
            ForgeError: it is another repository. NotFoundError: there is none. ForgeUnavailableError: not just now.
        """
        with self._lock:
            now = self._now()
            if self._good_until is None or now >= self._good_until:
                self._compare(client.get(self._repository.path(), RepositoryShape))
                self._good_until = now + KEPT

    def close(self) -> None:
        """Close the connections to the store."""
        self._pool.close()

    def _compare(self, found: RepositoryShape) -> None:
        if found.id is None:
            return
        name = f"{self._repository.host}/{self._repository}".lower()
        called = None if found.full_name.lower() == str(self._repository).lower() else found.full_name
        with self._pool.lend() as connection:
            known = RepositoryStore(connection, self._keys).remember(
                name,
                found.id,
                is_meant=self._meant == found.id,
                called=called,
                message=self._message(found.full_name),
            )
        expected = self._meant or known
        if expected != found.id:
            raise ForgeError(
                f"{self._repository} is another repository now (its number is {found.id}, not {expected}): somebody took"
                f" the name. Correct origin or [forge] repository; if it is meant, set [forge] repository_id = {found.id}"
            )

    def _message(self, called: str) -> Message:
        text = (
            f"the repository {self._repository} is called {called} now. Work goes on as long as GitHub follows the old"
            f" name; change it here: git remote set-url origin …, or [forge] repository in tinytown.toml"
        )
        return Message(
            id=new_id(), to=CONDUCTOR, sender="dispatcher", kind=MessageKind.INFO, text=text, sent_at=self._now()
        )
