"""A GitHub App's access to one repository: installation tokens, renewed in time.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TypeVar

import msgspec

from tinytown import __version__
from tinytown.domain.errors import ForgeError, ForgeUnavailableError
from tinytown.forges.github.access import Credential, checked_token
from tinytown.forges.github.address import Repository
from tinytown.forges.github.failures import failure_of, server_time
from tinytown.forges.github.transport import Reply, Request, Transport

T = TypeVar("T")

EARLY = timedelta(minutes=5)
"""A token is renewed so long before its end."""

_JWT_SECS = 600
_CREATED = 201


class _Installation(msgspec.Struct, frozen=True):
    id: int


class _App(msgspec.Struct, frozen=True):
    slug: str


class _Token(msgspec.Struct, frozen=True):
    token: str
    expires_at: datetime
    permissions: Mapping[str, str] = {}


class AppAccess:
    """Access as the installation of an App in a repository. Thread-safe: of several threads one renews."""

    def __init__(
        self,
        transport: Transport,
        *,
        app_id: str,
        key_file: Path,
        repository: Repository,
        clock: Callable[[], datetime],
    ) -> None:
        self._transport = transport
        self._app_id = app_id
        self._key_file = key_file
        self._repository = repository
        self._clock = clock
        self._lock = Lock()
        self._installation: int | None = None
        self._held: Credential | None = None
        self.permissions: Mapping[str, str] = {}
        """What the installation may do, e.g. `checks` -> `write`; known after the first credential."""

    def credential(self, now: datetime) -> Credential:
        """The installation's token; a new one when the last ends within five minutes."""
        with self._lock:
            held = self._held
            if held is not None and _left(held, now) > EARLY:
                return held
            try:
                self._held = self._new()
            except ForgeUnavailableError:
                if held is None or _left(held, now) <= timedelta(0):
                    raise
                return held  # good for some minutes yet
            return self._held

    def renew(self, refused: Credential, now: datetime) -> bool:
        """Whether there is a token now that has not been refused."""
        with self._lock:
            if self._held is None or self._held.token == refused.token or _left(self._held, now) <= timedelta(0):
                self._held = self._new()
            return self._held.token != refused.token

    def app_login(self) -> str:
        """The App's name in addresses, by which its installations act, with `[bot]`."""
        return f"{_decoded(self._ask('GET', '/app', 200), _App).slug}[bot]"

    def _new(self) -> Credential:
        if self._installation is None:
            found = self._ask("GET", self._repository.path("/installation"), 200)
            self._installation = _decoded(found, _Installation).id
        path = f"/app/installations/{self._installation}/access_tokens"
        reply = self._ask("POST", path, _CREATED)
        made = _decoded(reply, _Token)
        self.permissions = made.permissions
        now = self._clock()
        ahead = now - (server_time(reply.headers) or now)  # the end is told by GitHub's clock
        return Credential(
            token=checked_token(made.token, "GitHub"),
            identity=f"app-{self._app_id}-{self._installation}",
            expires_at=made.expires_at + ahead,
        )

    def _ask(self, method: str, path: str, wanted: int) -> Reply:
        headers = {
            "authorization": f"Bearer {self._signed()}",
            "accept": "application/vnd.github+json",
            "user-agent": f"tinytown/{__version__}",
        }
        reply = self._transport.exchange(
            Request(method=method, url=f"{self._transport.api_url}{path}", headers=headers)
        )
        if reply.status == wanted:
            return reply
        raise self._failure(reply)

    def _failure(self, reply: Reply) -> Exception:
        name = f"the GitHub App {self._app_id}"
        if reply.status == 401:  # noqa: PLR2004  the status is its own name
            return ForgeError(f"GitHub refuses {name}: check [forge] app_id, app_key_file and this machine's clock")
        if reply.status == 404:  # noqa: PLR2004  as above
            self._installation = None  # it may be installed anew
            return ForgeError(f"{name} is not installed in {self._repository}; install it there")
        return failure_of(reply, f"{name} in {self._repository}", now=self._clock())

    def _signed(self) -> str:
        """A token by which GitHub knows the App itself, for some minutes."""
        import jwt  # with cryptography 80 ms, for Apps only
        from gidgethub.apps import get_jwt

        advice = "name the private key file of the App in [forge] app_key_file"
        try:
            key = self._key_file.read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ForgeError(f"{self._key_file}: cannot be read: {reason}; {advice}") from error
        try:
            return get_jwt(app_id=self._app_id, private_key=key, expiration=_JWT_SECS)
        except (jwt.PyJWTError, ValueError, TypeError):
            # Not chained: the library may quote the file.
            raise ForgeError(f"{self._key_file}: not a private key in PEM form; {advice}") from None


def _left(credential: Credential, now: datetime) -> timedelta:
    return timedelta.max if credential.expires_at is None else credential.expires_at - now


def _decoded(reply: Reply, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(reply.body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Not chained: the body holds a token.
        raise ForgeUnavailableError("GitHub answered an App with something unexpected; it is tried again") from None
