"""Rates of requests, shared by all servers of a town."""

from __future__ import annotations

import hashlib

import msgspec

from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

_MINUTE_MICROS = 60_000_000
_DIGEST_BYTES = 16


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests are taken."""

    per_minute: int
    """On the long run; at least 1."""
    burst: int
    """At once; at least 1."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of taking one."""

    is_taken: bool
    remaining: int
    """So many can be taken at once now."""
    retry_secs: float
    """When one can be taken again; 0: now."""
    reset_secs: float
    """When `burst` can be taken at once again."""


class RateStore:
    """The rates of one town; forgotten by the server once they are full again."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def take(self, kind: str, who: str, rate: Rate) -> Taken:
        """Take one request, if there is one left.

        Args:
            kind: what is counted, e.g. `address`.
            who: whose requests; stored as a hash.
            rate: how many there are.

        Raises:
            StoreUnavailableError: no answer; one may have been taken.
        """
        name = hashlib.blake2b(who.encode(), digest_size=_DIGEST_BYTES).hexdigest()
        args = {"name": f"{kind}:{name}", "interval": _MINUTE_MICROS / rate.per_minute, "burst": rate.burst}
        is_taken, remaining, retry, reset = self._connection.run(load("take_rate"), self._keys.prefix, args)
        return Taken(is_taken=bool(is_taken), remaining=remaining, retry_secs=retry / 1e6, reset_secs=reset / 1e6)
