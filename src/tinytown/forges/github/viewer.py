"""Who the token's user is: what it wrote is ours, and no feedback."""

from __future__ import annotations

from threading import Lock

import msgspec

from tinytown.domain.errors import ForgeError, ForgeUnavailableError, NotFoundError
from tinytown.forges.github.client import GitHub
from tinytown.forges.github.shapes import UserShape

_QUERY = "query { viewer { login } }"
"""Whoever the token is of: REST answers this to persons, and that to Apps."""


class _User(msgspec.Struct, frozen=True):
    login: str


class _Data(msgspec.Struct, frozen=True):
    viewer: _User


class Viewer:
    """The token's user. Thread-safe."""

    def __init__(self, client: GitHub) -> None:
        self._client = client
        self._lock = Lock()
        self._found: str | None = None

    def login(self) -> str:
        """The login, of an App with `[bot]`; asked for once."""
        with self._lock:
            if self._found is None:
                self._found = self._ask()
            return self._found

    def _ask(self) -> str:
        try:
            return self._client.graphql(_QUERY, {}, _Data).viewer.login
        except ForgeUnavailableError:
            raise
        except (NotFoundError, ForgeError):  # not for this token, or not on this server
            return self._client.app_login() or self._client.get("/user", UserShape).login
