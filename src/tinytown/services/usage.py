"""What missions ask of a forge that counts requests, and how its quota is: as the store knows it, nobody is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from tinytown.store.forge_quota import EVERYTHING, THE_TOKEN, QuotaSeen, QuotaStore, Requests, token_keys
from tinytown.store.keys import Keys


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """One mission's requests, and the quotas of the token that it made the last one with."""

    requests: Requests
    quotas: tuple[QuotaSeen, ...]
    """Of each resource it asked for; also `all` and `token` while nothing at all may be asked. What is past is left
    out of them."""


class Usages:
    """The usage of a town's missions."""

    def __init__(self, quotas: QuotaStore, town: Keys, clock: Callable[[], datetime]) -> None:
        self._quotas = quotas
        self._town = town
        self._clock = clock

    def of(self, mission_id: str) -> Usage:
        """One mission's; a forge that counts nothing leaves it empty."""
        requests = self._quotas.requests(self._town, mission_id)
        if not requests.token:
            return Usage(requests=requests, quotas=())
        keys, now = token_keys(requests.token), self._clock()
        of_resources = (_now(self._quotas.seen(keys, name), now) for name in requests.by_resource)
        of_all = (_now(self._quotas.seen(keys, name), now) for name in (EVERYTHING, THE_TOKEN))
        blocks = tuple(one for one in of_all if one.blocked_until is not None)
        return Usage(requests=requests, quotas=(*of_resources, *blocks))


def _now(seen: QuotaSeen, now: datetime) -> QuotaSeen:
    """Without what is over."""
    if seen.reset is not None and seen.reset <= now:
        seen = msgspec.structs.replace(seen, remaining=None, reset=None, slowed_until=None)
    if seen.blocked_until is not None and seen.blocked_until <= now:
        seen = msgspec.structs.replace(seen, blocked_until=None, why="")
    return seen
