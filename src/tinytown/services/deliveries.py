"""Taking deliveries of GitHub's webhooks: they say where to look at once, and nothing else.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec

from tinytown.domain.errors import ConfigError, InvalidInputError, UnauthenticatedError, UnsupportedMediaError
from tinytown.domain.refs import IssueRef
from tinytown.forges.github.deliveries import Concern, concern_of
from tinytown.store.connection import Connection
from tinytown.store.deliveries import DeliveryStore, Watched
from tinytown.store.keys import Keys
from tinytown.store.repositories import RepositoryStore

LIMIT_BYTES = 25 * 1024 * 1024
"""GitHub sends no more."""

SIGNATURE = "x-hub-signature-256"
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_NAME = re.compile(r"[a-z_]{1,64}")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_JSON = "application/json"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery."""

    event: str
    delivery: str
    signalled: int = 0
    """Watched pull requests, and missions that wait for an issue, that are due now."""
    is_repeated: bool = False
    """Whether it had been taken before; then nothing was done."""


class Deliveries:
    """The deliveries for one town. Thread-safe."""

    def __init__(
        self,
        secret: str,
        keys: Keys,
        lend: Callable[[], AbstractContextManager[Connection]],
        clock: Callable[[], datetime],
    ) -> None:
        """Take deliveries that are signed with the secret.

        Args:
            secret: of the webhook.
            keys: of the town.
            lend: a connection that nobody else uses meanwhile.
            clock: the time.

        Raises:
            ConfigError: there is no secret, so anybody could send deliveries.
        """
        if not secret:
            raise ConfigError("deliveries of webhooks need a secret; see [forge] webhook_secret_env")
        self._secret = secret.encode()
        self._keys = keys
        self._lend = lend
        self._clock = clock

    def take(self, headers: Mapping[str, str], body: bytes) -> Taken:
        """Make due at once what the delivery is about.

        Args:
            headers: their names in lower case.
            body: as it came, untouched: the signature is over its bytes.

        Raises:
            UnauthenticatedError: the signature is missing or another's. UnsupportedMediaError: it is not JSON.
            InvalidInputError: it is no delivery. StoreUnavailableError: it was perhaps taken, perhaps not.
        """
        check_headers(headers)
        if not self._is_signed(headers[SIGNATURE], body):
            raise UnauthenticatedError("the signature does not fit: the secret here is not the webhook's")
        event, delivery = _header(headers, "x-github-event", _NAME), _header(headers, "x-github-delivery", _ID)
        hook = _ID.fullmatch(headers.get("x-github-hook-id", ""))
        concern = concern_of(event, body)
        if concern.is_empty:
            return Taken(event=event, delivery=delivery)
        with self._lend() as connection:
            store = DeliveryStore(connection, self._keys)
            names = RepositoryStore(connection, self._keys).names_of(concern.repository_id)
            pulls = _pulls(store, concern, names)
            waiting = store.waiting_for(_issues(concern, names)) if concern.issues else []
            name = f"{hook[0] if hook else '-'}:{delivery}"
            count = store.take(name, pulls, waiting, f"GitHub told of {event}", self._clock())
        return Taken(event=event, delivery=delivery, signalled=count or 0, is_repeated=count is None)

    def _is_signed(self, signature: str, body: bytes) -> bool:
        digest = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature.encode(), f"sha256={digest}".encode())


def check_headers(headers: Mapping[str, str]) -> None:
    """Whether it is worth while to read the body.

    Raises:
        UnauthenticatedError: it is not signed. UnsupportedMediaError: it is not JSON.
    """
    if not _SIGNATURE.fullmatch(headers.get(SIGNATURE, "")):
        raise UnauthenticatedError("there is no signature: give the webhook the secret that is set here")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise UnsupportedMediaError(f"choose {_JSON} as the webhook's content type")


def _header(headers: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not form.fullmatch(value):
        raise InvalidInputError(f"the header {name} is missing, or is none of GitHub's")
    return value


def _issues(concern: Concern, names: Iterable[str]) -> list[IssueRef]:
    """The issues, also under older names of their repository."""
    places = [name.split("/")[1:] for name in names]
    older = [IssueRef(owner, repo, ref.number) for owner, repo in places for ref in concern.issues]
    return list(dict.fromkeys((*concern.issues, *older)))


def _pulls(store: DeliveryStore, concern: Concern, names: Iterable[str]) -> list[str]:
    """The watched pull requests that are meant, as their watches name them."""
    scheme = concern.repository.partition("://")[0]
    starts = (f"{concern.repository}/pull/", *(f"{scheme}://{name}/pull/" for name in names))
    here = {target: mission for target, mission in store.targets().items() if target.lower().startswith(starts)}
    if concern.is_everything or not here:
        return list(here)
    numbers = {f"{start}{number}" for start in starts for number in concern.pulls}
    found = {target for target in here if target.lower() in numbers}
    if concern.heads or concern.branches or concern.bases:
        found |= _of_commits(store.watched(here), concern)
    return sorted(found)


def _of_commits(watched: list[Watched], concern: Concern) -> set[str]:
    """Those with the commits or branches; all, when a commit is of a fork and of none of those that are known."""
    found = {one.target for one in watched if _is_meant(one, concern)}
    is_told = concern.pulls or concern.branches or concern.bases
    return found if found or is_told else {one.target for one in watched}


def _is_meant(one: Watched, concern: Concern) -> bool:
    if not one.branch:
        return True  # nothing is known of it
    return one.head in concern.heads or one.branch in concern.branches or one.base in concern.bases
