"""What a mission would do."""

from __future__ import annotations

from tinytown.planner.preview import First, Preview
from tinytown.schemas.base import Answer
from tinytown.schemas.mission_parts import Uuid
from tinytown.schemas.mission_starts import MissionPolicy, ObjectiveRef
from tinytown.schemas.mission_work import WorkItem

MOST_ITEMS = 1000


class FirstItem(Answer):
    """An item that waits for nothing."""

    work_item_id: Uuid
    role: str | None
    """Which role it wants; null: any worker's."""
    is_at_once: bool
    """Whether it is among as many as may be in work at once."""
    lacking: str
    """What to do when no agent could take it; empty when one could."""

    @classmethod
    def of(cls, first: First) -> FirstItem:
        """The item."""
        return cls(work_item_id=first.item_id, role=first.role, is_at_once=first.is_at_once, lacking=first.lacking)


class MissionPlan(Answer):
    """A mission that was not started; its ids are good for this answer only."""

    objective_refs: list[ObjectiveRef]
    policy: MissionPolicy
    base: str
    work_items: list[WorkItem]
    """The first thousand of them."""
    work_item_count: int
    critical_path: list[Uuid]
    """The longest chain of items that are not done, in the order of doing them."""
    first: list[FirstItem]
    """What would be given out first, in that order."""
    warnings: list[str]

    @classmethod
    def of(cls, preview: Preview) -> MissionPlan:
        """The plan."""
        mission = preview.mission
        return cls(
            objective_refs=[ObjectiveRef.of(ref) for ref in mission.objective_refs],
            policy=MissionPolicy.of(mission.policy),
            base=mission.base,
            work_items=[WorkItem.of(item) for item in preview.items[:MOST_ITEMS]],
            work_item_count=len(preview.items),
            critical_path=list(preview.critical_path[:MOST_ITEMS]),
            first=[FirstItem.of(one) for one in preview.first[:MOST_ITEMS]],
            warnings=list(preview.warnings),
        )
