"""Whether GitHub may be asked now, by what its answers to all processes of the token said.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec
from gidgethub.sansio import RateLimit

from tinytown.domain.errors import ForgeError, QuotaError
from tinytown.forges.github.access import Credential
from tinytown.forges.github.failures import Limited, clock_text, limited, quota_failure, server_time
from tinytown.forges.github.transport import Reply
from tinytown.store.forge_quota import (
    EVERYTHING,
    THE_TOKEN,
    Admission,
    Block,
    QuotaNote,
    QuotaSeen,
    QuotaStore,
    Requests,
    token_keys,
)
from tinytown.store.keys import Keys
from tinytown.store.pool import ConnectionPool

PAUSE = timedelta(minutes=5)
"""How long nothing is asked with a token that was refused: GitHub locks out who keeps trying."""

_RESOURCE = re.compile(r"[a-z_]{1,40}")
_YES = Admission(kind="yes")


class Purpose(msgspec.Struct, frozen=True, kw_only=True):
    """What a request is for."""

    mission_id: str | None = None
    """Whose requests it counts among."""
    is_look: bool = False
    """Whether it can wait when the quota runs low."""


class Quota:
    """The quota of whichever token is used. Thread-safe."""

    def __init__(
        self, pool: ConnectionPool | None, town: Keys, *, reserve: float = 0.1, interval_secs: float = 180.0
    ) -> None:
        """Share the quota through a store.

        Args:
            pool: connections to it; None: nothing is shared, and only GitHub says no.
            town: whose missions' requests are counted.
            reserve: `[forge] quota_reserve`.
            interval_secs: the usual time between looks.
        """
        self._pool = pool
        self._town = town
        self._reserve = reserve
        self._interval_secs = interval_secs

    def close(self) -> None:
        """Close the connections to the store."""
        if self._pool is not None:
            self._pool.close()

    def check(self, credential: Credential, resource: str, purpose: Purpose, now: datetime) -> Admission:
        """Return when it may be asked.

        Raises:
            QuotaError: not before `retry_at`.
        """
        if self._pool is None:
            return _YES
        with self._pool.lend() as connection:
            admission = QuotaStore(connection).admit(
                token_keys(credential.identity),
                resource,
                is_look=purpose.is_look,
                reserve=self._reserve,
                interval_secs=self._interval_secs,
                at=now,
            )
        if admission.kind == "yes":
            return admission
        raise _refusal(admission, admission.until or now)

    def note(
        self, credential: Credential, resource: str, reply: Reply, now: datetime, *, strikes: int = 0
    ) -> Limited | None:
        """Remember what an answer said of the quota; the limit that it met, if any.

        Args:
            credential: what was asked with.
            resource: what was thought to be asked; the answer may know better.
            reply: the answer.
            now: by our clock.
            strikes: of the admission.
        """
        limit = limited(reply, now, strikes)
        named = reply.headers.get("x-ratelimit-resource", "")
        resource = named if _RESOURCE.fullmatch(named) else resource
        block = None
        if limit is not None:
            what = EVERYTHING if limit.is_secondary else resource
            block = Block(resource=what, until=limit.until, why=str(quota_failure(limit)))
        self._store(credential, resource, reply, now, block)
        return limit

    def refused(self, credential: Credential, now: datetime) -> ForgeError:
        """The error for a token that GitHub does not take: first a pause, then what a person must see to."""
        if self._pool is None:
            return ForgeError(_REFUSED)
        block = Block(resource=THE_TOKEN, until=now + PAUSE, why=_REFUSED)
        with self._pool.lend() as connection:
            store = QuotaStore(connection)
            strikes = store.note(token_keys(credential.identity), THE_TOKEN, is_accepted=False, block=block, at=now)
        return _refused(strikes, block.until)

    def count(self, credential: Credential, purpose: Purpose, *fields: str) -> None:
        """Count a request among those of the mission it was made for."""
        if self._pool is None or purpose.mission_id is None:
            return
        with self._pool.lend() as connection:
            QuotaStore(connection).count(self._town, purpose.mission_id, fields, token=credential.identity)

    def requests(self, mission_id: str) -> Requests:
        """The requests made for a mission so far."""
        if self._pool is None:
            return Requests()
        with self._pool.lend() as connection:
            return QuotaStore(connection).requests(self._town, mission_id)

    def seen(self, credential: Credential, resource: str) -> QuotaSeen:
        """What is known of a resource: `core`, `search`, `graphql`."""
        if self._pool is None:
            return QuotaSeen(resource=resource)
        with self._pool.lend() as connection:
            return QuotaStore(connection).seen(token_keys(credential.identity), resource)

    def _store(self, credential: Credential, resource: str, reply: Reply, now: datetime, block: Block | None) -> None:
        if self._pool is None:
            return
        with self._pool.lend() as connection:
            QuotaStore(connection).note(
                token_keys(credential.identity),
                resource,
                is_accepted=reply.status < 500 and reply.status not in {401, 403},  # noqa: PLR2004  statuses
                quota=_told(reply, now),
                block=block,
                at=now,
            )


_REFUSED = "GitHub refuses the token; `tt doctor` says more"


def _told(reply: Reply, now: datetime) -> QuotaNote | None:
    """What the headers say of the quota, by our clock; a company's server may say nothing."""
    try:
        rate = RateLimit.from_http(reply.headers)
        if rate is None or rate.limit <= 0:
            return None
        ahead = now - (server_time(reply.headers) or now)
        reset = rate.reset_datetime + ahead
    except (ValueError, OverflowError, OSError):
        return None
    return QuotaNote(limit=rate.limit, remaining=max(0, min(rate.remaining, rate.limit)), reset=reset)


def _refusal(admission: Admission, until: datetime) -> ForgeError:
    match admission.kind:
        case "refused":  # not asked now, so that nobody knows whether a person has mended it
            return QuotaError(_refused_until(until), retry_at=until)
        case "slow":
            left = f"{admission.remaining:,} of {admission.limit:,} requests left"
            text = f"GitHub's quota is low ({left}); it is looked at less often, next at {clock_text(until)}"
            return QuotaError(text, retry_at=until, low_until=admission.reset)
        case "blocked" if admission.why:
            return QuotaError(admission.why, retry_at=until)
        case _:
            return quota_failure(Limited(until=until, is_secondary=False))


def _refused(strikes: int, until: datetime) -> ForgeError:
    if strikes > 1:
        return ForgeError(_REFUSED)
    return QuotaError(_refused_until(until), retry_at=until)


def _refused_until(until: datetime) -> str:
    return f"{_REFUSED}; it is asked again at {clock_text(until)}"
