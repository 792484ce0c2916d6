"""A forge's quota for one token, as every process that uses the token last saw it; and who used it for what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from tinytown.store.codec import to_ms
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

EVERYTHING = "all"
"""The resource that stands for all requests of a token."""

THE_TOKEN = "token"  # noqa: S105  no password
"""The resource that stands for a token that the forge refuses."""

_OUTCOMES = {"sent": "answered", "free": "not_modified", "failed": "failed"}
"""What the town's totals call it, by the field of a mission's requests."""
_OPEN_MS = 10_000
"""How long a slot below the reserve is open: one round of looks."""
_WAVER_MS = 5_000
"""By how much forges let the time of a reset waver."""


class QuotaNote(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer said."""

    limit: int
    remaining: int
    reset: datetime


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is asked until then."""

    resource: str
    until: datetime
    why: str
    """One line for people."""


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a request may be made."""

    kind: Literal["yes", "refused", "blocked", "used", "slow"]
    """`refused`: the token was; `used`: nothing remains; `slow`: less than the reserve, and it is not a look's turn."""
    until: datetime | None = None
    why: str = ""
    strikes: int = 0
    """How often all requests were blocked in a row."""
    refusals: int = 0
    """How often the token was refused in a row."""
    remaining: int | None = None
    limit: int | None = None
    reset: datetime | None = None


class QuotaSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one resource, for people."""

    resource: str
    limit: int | None = None
    remaining: int | None = None
    reset: datetime | None = None
    blocked_until: datetime | None = None
    why: str = ""
    slowed_until: datetime | None = None
    """While less than the reserve is left: when the quota begins anew, and looks are as often as usual."""


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """Requests made for a mission."""

    sent: int = 0
    free: int = 0
    """Of these, answered by "not modified": they cost nothing."""
    failed: int = 0
    """Of these, refused or not answered."""
    by_resource: Mapping[str, int] = {}
    token: str = ""
    """Identity of the token that the last one was made with; no secret."""


def token_keys(identity: str) -> Keys:
    """The keys of everything that belongs to one token, whichever towns use it."""
    return Keys(f"tt:github:{identity}")


class QuotaStore:
    """Quotas of tokens, shared by all processes and towns on a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def admit(
        self, keys: Keys, resource: str, *, is_look: bool, reserve: float, interval_secs: float, at: datetime
    ) -> Admission:
        """Whether that resource may be asked now.

        Args:
            keys: of the token.
            resource: what the forge counts by itself, e.g. `core`.
            is_look: whether it can wait: below the reserve such requests get slots.
            reserve: the fraction of the quota that is kept for what cannot wait.
            interval_secs: the usual time between looks; below the reserve it grows up to ten times.
            at: now.
        """
        args = {
            "resource": resource,
            "is_look": is_look,
            "reserve": reserve,
            "interval": int(interval_secs * 1000),
            "open_ms": _OPEN_MS,
            "at": to_ms(at),
        }
        kind, until, why, strikes, refusals, remaining, limit, reset = self._connection.run(
            load("admit"), keys.prefix, args, may_repeat=True
        )
        return Admission(
            kind=kind.decode(),
            until=_at(until),
            why=why.decode(),
            strikes=strikes,
            refusals=refusals,
            remaining=None if limit < 0 else remaining,
            limit=None if limit < 0 else limit,
            reset=_at(reset),
        )

    def note(
        self,
        keys: Keys,
        resource: str,
        *,
        is_accepted: bool,
        quota: QuotaNote | None = None,
        block: Block | None = None,
        at: datetime,
    ) -> int:
        """Remember what an answer said; returns how often in a row the blocked resource has been blocked.

        Args:
            keys: of the token.
            resource: what the answer counted against.
            is_accepted: whether the forge took the token.
            quota: what it said of that resource.
            block: what is not to be asked for a while.
            at: now.
        """
        args: dict[str, object] = {"resource": resource, "is_accepted": is_accepted, "at": to_ms(at)}
        if quota is not None:
            args["quota"] = {"limit": quota.limit, "remaining": quota.remaining, "reset": to_ms(quota.reset)}
        if block is not None:
            args["blocked"] = {"resource": block.resource, "until": to_ms(block.until), "why": block.why}
        strikes: int = self._connection.run(load("note_quota"), keys.prefix, args, may_repeat=True)
        return strikes

    def seen(self, keys: Keys, resource: str) -> QuotaSeen:
        """What is known of a resource."""
        names = ("limit", "remaining", "reset", "blocked_until", "why", "slowed")
        values = self._connection.execute("HMGET", keys("quota", resource), *names)
        limit, remaining, reset, blocked, why, slowed = (None if v is None else v.decode() for v in values)
        return QuotaSeen(
            resource=resource,
            limit=None if limit is None else int(limit),
            remaining=None if remaining is None else int(remaining),
            reset=_at(reset),
            blocked_until=_at(blocked),
            why=why or "",
            slowed_until=_at(reset) if slowed and reset and int(reset) - int(slowed) <= _WAVER_MS else None,
        )

    def count(self, town: Keys, mission_id: str, fields: tuple[str, ...], *, token: str) -> None:
        """Count a request that was made for a mission with the token of that identity."""
        resource = next((field for field in fields if field not in _OUTCOMES), "unknown")
        outcome = next((_OUTCOMES[field] for field in ("failed", "free") if field in fields), _OUTCOMES["sent"])
        args = {"mission": mission_id, "fields": fields, "resource": resource, "outcome": outcome, "token": token}
        self._connection.run(load("count_request"), town.prefix, args)

    def requests(self, town: Keys, mission_id: str) -> Requests:
        """The requests made for a mission so far."""
        flat = self._connection.execute("HGETALL", town("mission", mission_id, "requests"))
        found = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
        token = found.pop("token", "")
        counts = {name: int(value) for name, value in found.items()}
        own = {name: counts.pop(name, 0) for name in _OUTCOMES}
        return Requests(**own, by_resource=dict(sorted(counts.items())), token=token)


def _at(ms: bytes | str | None) -> datetime | None:
    return datetime.fromtimestamp(float(ms) / 1000, UTC) if ms and float(ms) > 0 else None
