"""Deliveries of a forge's webhooks in the store: who is concerned, and taking each of them once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from tinytown.domain.mission import Mission
from tinytown.domain.refs import IssueRef
from tinytown.store.codec import at_text, to_ms
from tinytown.store.connection import Connection
from tinytown.store.keys import Keys
from tinytown.store.scripts import load

KEPT_SECS = 7 * 24 * 3600
"""How long a delivery is known: GitHub lets people repeat those of the last three days."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request that a mission watches, with what deliveries may call it by."""

    target: str
    """As the mission's watches name it."""
    head: str = ""
    """The head commit that the mission knows; empty: none."""
    branch: str = ""
    base: str = ""
    """The branch it goes into."""


class _Pull(msgspec.Struct, frozen=True):
    url: str
    head: str
    base: str = ""


class _Outside(msgspec.Struct, frozen=True):
    ref: IssueRef
    is_open: bool


class _Item(msgspec.Struct, frozen=True):
    """As much of an item as matters here."""

    branch: str
    pull: _Pull | None = None
    waits_for: tuple[_Outside, ...] = ()


_items = msgspec.json.Decoder(_Item)
_missions = msgspec.json.Decoder(Mission)


class DeliveryStore:
    """The deliveries of one town."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def targets(self) -> dict[str, str]:
        """Every pull request that is watched -> the id of its mission."""
        flat = self._connection.execute("HGETALL", self._keys("mission", "targets"))
        return {target.decode(): mission.decode() for target, mission in zip(flat[::2], flat[1::2], strict=True)}

    def watched(self, targets: dict[str, str]) -> list[Watched]:
        """What is known of these pull requests of missions; nothing of one that no item has by now."""
        missions = sorted(set(targets.values()))
        work = self._connection.execute_many([("HVALS", self._keys("mission", i, "work")) for i in missions])
        records = self._connection.execute_many([("HGET", self._keys("mission", i), "record") for i in missions])
        known: dict[str, Watched] = {}
        for items, record in zip(work, records, strict=True):
            base = _missions.decode(record).base if record else ""
            for item in map(_items.decode, items):
                if item.pull is not None:
                    known[item.pull.url] = Watched(
                        target=item.pull.url,
                        head=item.pull.head,
                        branch=item.branch,
                        base=item.pull.base or base,
                    )
        return [known.get(target, Watched(target=target)) for target in targets]

    def waiting_for(self, refs: Collection[IssueRef]) -> list[tuple[str, IssueRef]]:
        """Ids of the active missions with an item that waits for one of the outside issues, and which one."""
        wanted = {ref.folded for ref in refs}
        missions = sorted(i.decode() for i in self._connection.execute("SMEMBERS", self._keys("mission", "active")))
        work = self._connection.execute_many([("HVALS", self._keys("mission", i, "work")) for i in missions])
        found = {
            (mission, outside.ref)
            for mission, items in zip(missions, work, strict=True)
            for item in map(_items.decode, items)
            for outside in item.waits_for
            if outside.is_open and outside.ref.folded in wanted
        }
        return sorted(found)

    def take(
        self, delivery_id: str, pulls: Sequence[str], waiting: Sequence[tuple[str, IssueRef]], text: str, at: datetime
    ) -> int | None:
        """Signal what a delivery is about, unless it was taken before.

        Args:
            delivery_id: unique in the town.
            pulls: targets of watches.
            waiting: missions and the outside issues that they are to look at.
            text: the event's.
            at: now.

        Returns:
            How much was signalled, None when it had been taken.
        """
        args = {
            "id": delivery_id,
            "keep_secs": KEPT_SECS,
            "pulls": list(pulls),
            "waiting": [[mission, ref.signal] for mission, ref in waiting],
            "text": text,
            "at": at_text(at),
            "ms": to_ms(at),
        }
        count: int = self._connection.run(load("take_delivery"), self._keys.prefix, args, may_repeat=True)
        return None if count < 0 else count
