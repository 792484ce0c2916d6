"""Who may write to a repository: only their approvals and refusals decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.remarks import GHOST, Author
from tinytown.forges.github.shapes import PermissionShape

_BELONGING = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_WRITING = frozenset({"admin", "maintain", "write"})
_KEPT = timedelta(minutes=10)


class Writers:
    """Asks who may write, at most every ten minutes for each. Thread-safe; keep one for a repository."""

    def __init__(self, client: GitHub, repository: Repository, now: Callable[[], datetime]) -> None:
        self._client = client
        self._repository = repository
        self._now = now
        self._kept: dict[str, tuple[datetime, bool]] = {}

    def of(self, authors: Iterable[Author]) -> frozenset[str]:
        """The keys of those who may write."""
        people = {one.key: one for one in authors if not one.is_app and one.login != GHOST}
        return frozenset(key for key, one in people.items() if self._may_write(key, one))

    def _may_write(self, key: str, author: Author) -> bool:
        at, may = self._kept.get(key, (None, False))
        if at is None or self._now() - at >= _KEPT:
            may = self._asked(author)
            self._kept[key] = (self._now(), may)
        return may

    def _asked(self, author: Author) -> bool:
        path = self._repository.path("/collaborators/{login}/permission", login=author.login)
        try:
            return self._client.get(path, PermissionShape).permission in _WRITING
        except ForgeUnavailableError:
            raise
        except (NotFoundError, ForgeError):  # who may not push himself may not ask; GitHub looks again when it merges
            return author.association in _BELONGING
