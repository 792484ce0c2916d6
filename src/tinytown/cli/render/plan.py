"""A mission that was not started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tinytown.cli.render.mission_record import item_record, source_names
from tinytown.cli.render.missions import item_title, objectives
from tinytown.cli.render.needs import need_lines
from tinytown.cli.render.text import count, plain
from tinytown.domain.workitem import WorkItem
from tinytown.planner.preview import First, Preview

_PLANNED = frozenset(("key", "title", "kind", "owner_role", "priority", "status", "source_ref", "branch"))


def plan_lines(found: Preview) -> list[str]:
    """What `tt mission plan` shows."""
    items = {item.id: item for item in found.items}
    lines = [
        f"📋 Objectives: {objectives(found.mission.objective_refs)}",
        f"📦 Work items: {len(found.items)}, into {plain(found.mission.base)}",
    ]
    for item in found.items:
        lines.append(f"   {'✅' if item.is_done else '⏳'} {item_title(item)} [{item.kind.value}{_whose(item)}]")
        lines += [f"      {line}" for line in need_lines(item, items, found.mission.home)]
    path = " → ".join(plain(items[i].key) for i in found.critical_path)
    lines.append(
        f"🧭 Critical path: {path} ({count(len(found.critical_path), 'item')})" if path else "🧭 Nothing to do"
    )
    lines += _first_lines(found.first, items)
    return [*lines, *(f"⚠️  {plain(warning)}" for warning in found.warnings)]


def plan_record(found: Preview) -> dict[str, Any]:
    """What `tt mission plan --json` shows."""
    items = {item.id: item for item in found.items}
    return {
        "objective_refs": list(found.mission.objective_refs),
        "base": found.mission.base,
        "policy": found.mission.policy,
        "work_items": [_planned(item, items, found.mission.home) for item in found.items],
        "critical_path": [items[i].key for i in found.critical_path],
        "first": [
            {
                "key": items[one.item_id].key,
                "role": one.role,
                "is_at_once": one.is_at_once,
                "lacking": one.lacking or None,
            }
            for one in found.first
        ],
        "warnings": list(found.warnings),
    }


def _planned(item: WorkItem, items: Mapping[str, WorkItem], home: tuple[str, str]) -> dict[str, Any]:
    """An item of no mission: what only one that was started has is left out."""
    record = {name: value for name, value in item_record(item).items() if name in _PLANNED}
    inside = [
        {"key": items[need.item_id].key, "sources": source_names(need.sources), "is_outside": False}
        for need in item.needs
    ]
    outside = [
        {"key": dep.ref.label(home), "sources": source_names(dep.sources), "is_outside": True} for dep in item.waits_for
    ]
    return {**record, "after": inside + outside}


def _first_lines(first: Iterable[First], items: Mapping[str, WorkItem]) -> Iterator[str]:
    found = list(first)
    if found:
        yield "🟢 First:"
    for number, one in enumerate(found, start=1):
        item = items[one.item_id]
        later = "" if one.is_at_once or one.lacking else ", as soon as there is room"
        yield f"   {number}. {plain(item.key)}{_whose(item) or ', for any worker'}{later}"
        if one.lacking:
            yield f"      {plain(one.lacking)}"


def _whose(item: WorkItem) -> str:
    return f", for {plain(item.owner_role)}" if item.owner_role else ""
