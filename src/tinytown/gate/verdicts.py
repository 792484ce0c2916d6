"""What was found out about keys that were shown: checking one anew takes a tenth of a second."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

import msgspec

GOOD_FOR = timedelta(minutes=15)
"""Since it was last asked for."""
BAD_FOR = timedelta(seconds=30)
GOOD_LIMIT = 1024
BAD_LIMIT = 4096


class Verdict(msgspec.Struct, frozen=True):
    """Whether a key fits a hash."""

    against: str
    """The hash, as the settings had it; empty: they had no key of that name."""
    is_good: bool


class _Kept(msgspec.Struct, frozen=True):
    verdict: Verdict
    until: datetime


class Verdicts:
    """A bounded memory of verdicts; thread-safe.

    Keys are known by a keyed hash, whose key this process alone has: neither the keys nor anything they could be
    guessed from is kept. Bad ones are kept apart, so that a flood of them forgets no good one.
    """

    def __init__(self, *, good_limit: int = GOOD_LIMIT, bad_limit: int = BAD_LIMIT) -> None:
        self._secret = os.urandom(32)
        self._limits = {True: good_limit, False: bad_limit}
        self._kept: dict[bool, OrderedDict[bytes, _Kept]] = {True: OrderedDict(), False: OrderedDict()}
        self._lock = Lock()

    def fingerprint(self, key: str) -> bytes:
        """What a key is known by here."""
        return hmac.digest(self._secret, key.encode(), hashlib.sha256)

    def find(self, fingerprint: bytes, against: str, now: datetime) -> Verdict | None:
        """The verdict on that key; None when there is none, it is too old, or it was against another hash.

        A good one is as new again: whether the key still counts, the hash says.
        """
        with self._lock:
            for kept in self._kept.values():
                found = kept.get(fingerprint)
                if found is None:
                    continue
                if found.until > now and hmac.compare_digest(found.verdict.against.encode(), against.encode()):
                    kept.move_to_end(fingerprint)
                    if found.verdict.is_good:  # who works all day is not in the queue with those who guess
                        kept[fingerprint] = _Kept(found.verdict, now + GOOD_FOR)
                    return found.verdict
                del kept[fingerprint]
            return None

    def keep(self, fingerprint: bytes, verdict: Verdict, now: datetime) -> None:
        """Remember a verdict; the one not asked for longest makes room."""
        until = now + (GOOD_FOR if verdict.is_good else BAD_FOR)
        with self._lock:
            self._kept[not verdict.is_good].pop(fingerprint, None)
            kept = self._kept[verdict.is_good]
            kept[fingerprint] = _Kept(verdict, until)
            kept.move_to_end(fingerprint)
            while len(kept) > self._limits[verdict.is_good]:
                kept.popitem(last=False)
