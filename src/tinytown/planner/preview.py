"""What a mission would do, before it is started: its longest chain, and what would be given out first to whom."""

from __future__ import annotations

import msgspec

from tinytown.domain.agent import Agent
from tinytown.domain.mission import Mission
from tinytown.domain.workitem import WorkItem, WorkKind, WorkStatus
from tinytown.planner.assign import in_order
from tinytown.planner.compile import Compiled
from tinytown.planner.draft import Draft
from tinytown.planner.graph import longest_chain
from tinytown.planner.promote import open_outside
from tinytown.planner.reasons import lacks_agent
from tinytown.planner.snapshot import Snapshot


class First(msgspec.Struct, frozen=True, kw_only=True):
    """An item that waits for nothing."""

    item_id: str
    role: str | None
    """Which role it wants; None: any worker's."""
    is_at_once: bool
    """Whether it is among as many as may be in work at once."""
    lacking: str = ""
    """What to do when no agent could take it."""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A mission that was not started."""

    mission: Mission
    items: tuple[WorkItem, ...]
    critical_path: tuple[str, ...]
    """Ids of the longest chain of items that are not done, in the order of doing them."""
    first: tuple[First, ...]
    """What would be given out first, in that order."""
    warnings: tuple[str, ...]


def preview(mission: Mission, compiled: Compiled, agents: tuple[Agent, ...]) -> Preview:
    """What a mission of these items would do with these agents."""
    done = frozenset(item.id for item in compiled.items if item.is_done)
    items = {item.id: _promoted(item, done) for item in compiled.items}
    snapshot = Snapshot(mission=mission, items=items, agents={agent.id: agent for agent in agents})
    draft = Draft(snapshot, mission.created_at)
    waiting = {i.id: [dep for dep in i.depends_on if dep not in done] for i in compiled.items if not i.is_done}
    return Preview(
        mission=mission,
        items=compiled.items,
        critical_path=longest_chain(waiting),
        first=_first(draft),
        warnings=compiled.warnings,
    )


def _promoted(item: WorkItem, done: frozenset[str]) -> WorkItem:
    """The item, ready when it waits for nothing."""
    waits = item.is_done or not done.issuperset(item.depends_on) or open_outside(item)
    return item if waits else msgspec.structs.replace(item, status=WorkStatus.READY)


def _first(draft: Draft) -> tuple[First, ...]:
    ready = in_order(draft, [item for item in draft.items.values() if item.status is WorkStatus.READY])
    room = draft.mission.policy.max_parallel_items
    found: list[First] = []
    for item in ready:
        is_gate = item.kind is WorkKind.MERGE_GATE
        lacking = f"a person opens it: tt mission approve {item.typed}" if is_gate else lacks_agent(draft, item) or ""
        found.append(First(item_id=item.id, role=item.owner_role, is_at_once=not is_gate and room > 0, lacking=lacking))
        room -= not is_gate
    return tuple(found)
