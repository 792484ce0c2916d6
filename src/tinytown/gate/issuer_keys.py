"""An issuer's keys, kept, and fetched anew when they are old or a token names one that is not among them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeAlias

import msgspec
import structlog
from joserfc.jwk import Key

from tinytown.config.townhall import OidcSettings
from tinytown.domain.errors import UnauthenticatedError, UnavailableError
from tinytown.gate.issuer import fetch_keys
from tinytown.gate.jwks import IssuerKey, fitting

log = structlog.get_logger("tinytown.gate")

PAUSE = timedelta(seconds=10)
"""Between two fetches at least, whatever tokens name."""
STALE_LIMIT = timedelta(hours=24)
"""How long keys are used past their time when the issuer is away."""

_AWAY = "the issuer of tokens cannot be reached, so nobody can be recognised just now; try again in a moment"
_Source: TypeAlias = tuple[str | None, str | None]


class _Known(msgspec.Struct, frozen=True):
    source: _Source | None = None
    keys: tuple[IssuerKey, ...] = ()
    fetched_at: datetime | None = None
    tried_at: datetime | None = None
    has_failed: bool = False
    """Whether the last try did."""

    def is_fresh(self, now: datetime, keep_secs: int) -> bool:
        """Whether the keys are young enough not to ask."""
        limit = timedelta(seconds=keep_secs)
        return self.fetched_at is not None and timedelta(0) <= now - self.fetched_at < limit

    def is_usable(self, now: datetime, keep_secs: int) -> bool:
        """Whether the keys are young enough for an issuer that is away."""
        return self.fetched_at is not None and now - self.fetched_at < timedelta(seconds=keep_secs) + STALE_LIMIT

    def may_ask(self, now: datetime) -> bool:
        """Whether the last try is long enough ago; also when the clock was put back."""
        return self.tried_at is None or not timedelta(0) <= now - self.tried_at < PAUSE


class IssuerKeys:
    """The keys of the one issuer that the settings name; thread-safe, for any number of event loops.

    Args:
        clock: what says when keys were fetched.
        fetch: asks the issuer; blocks.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        fetch: Callable[[OidcSettings], tuple[IssuerKey, ...]] = fetch_keys,
    ) -> None:
        self._clock = clock
        self._fetch = fetch
        self._known = _Known()
        self._fetching: tuple[_Source, Future[None]] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="issuer")
        self._lock = Lock()

    async def find(self, settings: OidcSettings, kid: str | None, alg: str) -> Key:
        """The key that a token with that header is signed with.

        Raises:
            UnauthenticatedError: the issuer has no such key.
            UnavailableError: that cannot be told, as it cannot be asked.
        """
        known = self._of(settings)
        key = fitting(known.keys, kid, alg)
        if key is None or not known.is_fresh(self._clock(), settings.jwks_cache_secs):
            if (fetching := self._ask(settings)) is not None:
                await asyncio.shield(asyncio.wrap_future(fetching))
            known = self._of(settings)
            key = fitting(known.keys, kid, alg)
        if key is not None and known.is_usable(self._clock(), settings.jwks_cache_secs):
            return key
        if known.has_failed or known.fetched_at is None:
            raise UnavailableError(_AWAY, retry_after_secs=int(PAUSE.total_seconds()))
        raise UnauthenticatedError("the token is signed with a key that its issuer does not have", is_offered=True)

    def _of(self, settings: OidcSettings) -> _Known:
        """What is known of the issuer; of another one than last time nothing is."""
        source = _source(settings)
        with self._lock:
            if self._known.source != source:
                self._known = _Known(source)
            return self._known

    def _ask(self, settings: OidcSettings) -> Future[None] | None:
        """The fetch that is under way, or a new one; None when it is too early for one."""
        source = _source(settings)
        with self._lock:
            if self._fetching is not None and self._fetching[0] == source and not self._fetching[1].done():
                return self._fetching[1]
            if not self._known.may_ask(self._clock()):
                return None
            self._known = msgspec.structs.replace(self._known, tried_at=self._clock())
            started = self._pool.submit(self._refresh, settings)
            self._fetching = (source, started)
            return started

    def _refresh(self, settings: OidcSettings) -> None:
        try:
            keys = self._fetch(settings)
        except UnavailableError as error:
            log.warning("the issuer's keys were not read", action="issuer_away", reason=error.message)
            changes: dict[str, object] = {"has_failed": True}
        else:
            log.info("the issuer's keys were read", action="issuer_keys", keys=len(keys))
            changes = {"keys": keys, "fetched_at": self._clock(), "has_failed": False}
        with self._lock:
            if self._known.source == _source(settings):
                self._known = msgspec.structs.replace(self._known, **changes)


def _source(settings: OidcSettings) -> _Source:
    return settings.issuer, settings.jwks_url
