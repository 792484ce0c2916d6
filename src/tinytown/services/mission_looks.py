"""Missions as somebody looks at them from elsewhere: each look is one round trip, and neither forge nor git is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from tinytown.domain.errors import NotFoundError
from tinytown.domain.mission import Mission, MissionEvent
from tinytown.domain.watch import Watch, WatchStatus
from tinytown.domain.workitem import WorkItem, WorkStatus
from tinytown.store.missions import Glance, MissionStore


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How far a mission is."""

    items: int
    by_status: dict[WorkStatus, int]
    """Of every status, also those that nothing has."""
    active_watches: int


class Progressed(msgspec.Struct, frozen=True, kw_only=True):
    """A mission in one line."""

    mission: Mission
    items: int
    done: int


class MissionLooks:
    """Looks at the missions of one town."""

    def __init__(self, missions: MissionStore) -> None:
        self._missions = missions

    def newest(self, *, is_active_only: bool) -> list[tuple[str, int]]:
        """Ids of the missions and when each was created (ms), newest first."""
        return self._missions.created(is_active_only=is_active_only)

    def some(self, ids: Sequence[str]) -> list[Progressed]:
        """These missions with their progress, in that order, without those that are gone."""
        records = {mission.id: mission for mission in self._missions.records(ids)}
        found = [records[i] for i in ids if i in records]
        counts = self._missions.progress([mission.id for mission in found])
        return [Progressed(mission=m, items=items, done=done) for m, (items, done) in zip(found, counts, strict=True)]

    def one(
        self, mission_id: str, *, with_items: bool = False, with_watches: bool = False, events: int = 0
    ) -> tuple[Glance, Summary]:
        """A mission with as much of it as is asked for, and how far it is. NotFoundError: there is none."""
        seen = self._missions.glance(mission_id, with_items=with_items, with_watches=with_watches, events=events)
        counted = Counter(seen.statuses)
        summary = Summary(
            items=len(seen.statuses),
            by_status={status: counted[status] for status in WorkStatus},
            active_watches=sum(status is WatchStatus.ACTIVE for status in seen.watch_statuses),
        )
        return seen, summary

    def items(self, mission_id: str, status: WorkStatus | None = None) -> list[WorkItem]:
        """A mission's items, all or those of one status. NotFoundError: there is no such mission."""
        found = self._missions.glance(mission_id, with_items=True).items
        return [item for item in found if status is None or item.status is status]

    def item(self, mission_id: str, item_id: str) -> WorkItem:
        """An item by its whole id.

        Raises:
            NotFoundError: there is no such mission, or it has no such item.
        """
        found = self._missions.items(mission_id, [item_id])
        if not found:
            if not self._missions.records([mission_id]):
                raise NotFoundError(f"no mission {mission_id}")
            raise NotFoundError(f"no item {item_id} in mission {mission_id}")
        return found[0]

    def watches(self, mission_id: str, status: WatchStatus | None = None) -> list[Watch]:
        """A mission's watches, all or those of one status. NotFoundError: there is no such mission."""
        found = self._missions.glance(mission_id, with_watches=True).watches
        return [watch for watch in found if status is None or watch.status is status]

    def events(self, mission_id: str, limit: int) -> tuple[MissionEvent, ...]:
        """The last entries of a mission's log, oldest first. NotFoundError: there is no such mission."""
        return self._missions.glance(mission_id, events=limit).events
