"""Closing issues that a merge was to close: GitHub does so for its default branch and its own repository only."""

from __future__ import annotations

import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.address import Repository
from tinytown.forges.github.client import GitHub

_GONE = 410


class _Issue(msgspec.Struct, frozen=True):
    state: str
    state_reason: str | None = None


class Closing:
    """Closes issues, each once."""

    def __init__(self, client: GitHub, repository: Repository) -> None:
        self._client = client
        self._repository = repository

    def close(self, refs: tuple[IssueRef, ...]) -> tuple[str, ...]:
        """Close those that are still open; which cannot be closed by us, for people.

        Raises:
            ForgeUnavailableError: GitHub does not answer; what is closed by then stays so, and is left alone next time.
        """
        return tuple(filter(None, map(self._close, dict.fromkeys(refs))))

    def ensure(self, ref: IssueRef) -> None:
        """Close one unless it is closed. ForgeError, NotFoundError: that is not for us."""
        place = msgspec.structs.replace(self._repository, owner=ref.owner, name=ref.repo)
        path = place.path("/issues/{n}", n=ref.number)
        if self._client.get(path, _Issue).state == "open":
            self._client.send("PATCH", path, _Issue, {"state": "closed", "state_reason": "completed"})

    def _close(self, ref: IssueRef) -> str:
        try:
            self.ensure(ref)
        except ForgeUnavailableError:
            raise
        except (ForgeError, NotFoundError) as error:
            if error.evidence.get("status") == _GONE:
                return ""
            return f"{ref} is done, but cannot be closed ({error.message}); close it by hand"
        return ""
