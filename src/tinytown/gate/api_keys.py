"""Mode `api_key`: who has a key of `[townhall.auth.api_keys]`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from threading import Lock
from typing import TypeAlias

import structlog
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from tinytown.config.townhall import ApiKeySettings
from tinytown.domain.access import Principal, name_in_key
from tinytown.domain.errors import UnauthenticatedError, UnavailableError
from tinytown.gate.verdicts import Verdict, Verdicts

log = structlog.get_logger("tinytown.gate")

AT_ONCE = 2
"""Hashes computed at the same time; each takes 64 MiB."""
WAITING = 32
"""Different keys that may wait for that; who comes then is asked to come again."""
RETRY_SECS = 2

_VERSION = 19
_Task: TypeAlias = tuple[bytes, str]
"""Fingerprint of a key, and the hash that it is checked against."""
_UNKNOWN = "the key is not known; ask who runs the town for one (`tt auth gen-key`)"
_BUSY = "too many unknown keys are being checked; try again in a moment"
_UNCHECKED = "keys cannot be checked just now; the server's log says why"


class ApiKeys:
    """Recognises keys, with one hash a key at most; for any number of event loops."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._verdicts = Verdicts()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="keys")
        self._checking: dict[_Task, Future[Verdict]] = {}
        self._lock = Lock()

    async def recognise(self, key: str, known: Mapping[str, ApiKeySettings], now: datetime) -> Principal:
        """Whose key that is, by the settings as they are now.

        Raises:
            UnauthenticatedError: nobody's, or it has expired.
            UnavailableError: too many others are being checked.
        """
        name = name_in_key(key)
        if name is None:  # no secret is involved, so this may be quick
            raise UnauthenticatedError("this is no key of a town, or it was not copied whole", is_offered=True)
        settings = known.get(name)
        against = "" if settings is None else settings.hash
        fingerprint = self._verdicts.fingerprint(key)
        verdict = self._verdicts.find(fingerprint, against, now)
        if verdict is None:
            # Of a name that nobody has, as much is computed as of others: the time must not tell which names there are.
            decoy = next((other.hash for other in known.values()), "")
            work = partial(self._verdict, fingerprint, key, against, decoy, now)
            checking = self._check((fingerprint, against), work)
            verdict = await asyncio.shield(asyncio.wrap_future(checking))  # who goes away leaves it to the others
        if settings is None or not verdict.is_good:
            raise UnauthenticatedError(_UNKNOWN, is_offered=True)
        if settings.expires_at is not None and settings.expires_at <= now:
            raise UnauthenticatedError(f"the key expired at {settings.expires_at.isoformat()}", is_offered=True)
        return Principal(name=f"key:{name}", scopes=frozenset(settings.scopes))

    def _check(self, task: _Task, work: Callable[[], Verdict]) -> Future[Verdict]:
        """The verdict to come; who asks for the same key meanwhile waits for the same one."""
        with self._lock:
            if (running := self._checking.get(task)) is not None:
                return running
            if len(self._checking) >= AT_ONCE + WAITING:
                raise UnavailableError(_BUSY, retry_after_secs=RETRY_SECS)
            started = self._pool.submit(work)
            self._checking[task] = started
        started.add_done_callback(lambda _: self._done(task))
        return started

    def _done(self, task: _Task) -> None:
        with self._lock:
            self._checking.pop(task, None)

    def _verdict(self, fingerprint: bytes, key: str, against: str, decoy: str, now: datetime) -> Verdict:
        fits = bool(against or decoy) and self._fits(against or decoy, key)
        verdict = Verdict(against, is_good=fits and bool(against))
        self._verdicts.keep(fingerprint, verdict, now)
        return verdict

    def _fits(self, against: str, key: str) -> bool:
        try:
            return self._hasher.verify(against, key)
        except VerifyMismatchError:
            return False
        except (VerificationError, ValueError) as error:  # no memory, or a hash that is none
            log.error("a key cannot be checked", action="key_check_failed", reason=str(error))  # noqa: TRY400  no trace
            raise UnavailableError(_UNCHECKED, retry_after_secs=RETRY_SECS) from error


def is_argon2id(text: str) -> bool:
    """Whether that is a hash of Argon2id that can be checked."""
    try:
        found = extract_parameters(text)
    except InvalidHashError:
        return False
    parts = text.split("$")[-2:]
    is_whole = all(re.fullmatch(r"[A-Za-z0-9+/]{11,}", part) for part in parts)
    return found.type is Type.ID and found.version == _VERSION and is_whole
