"""Who the token's user is: what it wrote is ours, and no feedback."""

from __future__ import annotations

from threading import Lock

import msgspec

from tinytown.forges.github.client import GitHub

_QUERY = "query { viewer { login } }"
"""REST has no such question that an App's installation may ask."""


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
                self._found = self._client.graphql(_QUERY, {}, _Data).viewer.login
            return self._found
