"""Missions as JSON; field names as in the REST interface's MissionStatus where that has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tinytown.domain.agent import Agent
from tinytown.domain.issue import RelationSource
from tinytown.domain.mission import Mission, MissionEvent
from tinytown.domain.watch import Watch, WatchStatus
from tinytown.domain.workitem import WorkItem, WorkStatus
from tinytown.services.missions import MissionView, Started, Why


def started_record(started: Started) -> dict[str, Any]:
    """A mission that was just started."""
    mission = started.mission
    return {
        "mission_id": mission.id,
        "state": mission.state.value,
        "objective_count": len(mission.objective_refs),
        "work_items": [item_record(item) for item in started.items],
        "warnings": list(started.warnings),
    }


def mission_run_record(mission: Mission) -> dict[str, Any]:
    """The mission's own record."""
    return {
        "id": mission.id,
        "objective_refs": list(mission.objective_refs),
        "state": mission.state.value,
        "is_paused": mission.is_paused,
        "policy": mission.policy,
        "base": mission.base,
        "created_at": mission.created_at,
        "updated_at": mission.updated_at,
        "next_wake_at": mission.next_wake_at,
        "blocked_reason": mission.blocked_reason,
        "help": mission.help,
        "notes": list(mission.notes),
        "version": mission.version,
    }


def status_record(view: MissionView) -> dict[str, Any]:
    """A mission with everything that belongs to it."""
    return {
        "mission": mission_run_record(view.mission),
        "work_items": [item_record(item, view.agents, view.why.get(item.id, ())) for item in view.items],
        "watches": [watch_record(watch) for watch in view.watches],
        "events": [event_text(event) for event in view.events],
        "summary": summary_record(view),
    }


def summary_record(view: MissionView) -> dict[str, int]:
    """How many items there are in each state."""
    counts = {status.value: sum(item.status is status for item in view.items) for status in WorkStatus}
    active = sum(watch.status is not WatchStatus.DONE for watch in view.watches)
    return {"total_work_items": len(view.items), **counts, "active_watches": active}


def item_record(
    item: WorkItem, agents: Mapping[str, Agent] | None = None, why: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """One work item."""
    agent = (agents or {}).get(item.assigned_to or "")
    record: dict[str, Any] = {
        "id": item.id,
        "mission_id": item.mission_id,
        "key": item.key,
        "title": item.title,
        "kind": item.kind.value,
        "depends_on": list(item.depends_on),
        "needs": [{"item_id": need.item_id, "sources": source_names(need.sources)} for need in item.needs],
        "waits_for": [
            {"ref": str(outside.ref), "is_open": outside.is_open, "sources": source_names(outside.sources)}
            for outside in item.waits_for
        ],
        "owner_role": item.owner_role,
        "priority": item.priority,
        "status": item.status.value,
        "assigned_to": item.assigned_to,
        "assigned_name": agent.name if agent else None,
        "artifact_refs": list(item.artifact_refs),
        "source_ref": item.source_ref,
        "branch": item.branch,
        "task_id": item.task_id,
        "review_task_id": item.review_task_id,
        "pull": item.pull,
        "hold": item.hold,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }
    return record if why is None else {**record, "why": list(why)}


def source_names(sources: Iterable[RelationSource]) -> list[str]:
    """Where a dependency is said."""
    return [source.value for source in sources]


def watch_record(watch: Watch) -> dict[str, Any]:
    """One watch."""
    return {
        "id": watch.id,
        "mission_id": watch.mission_id,
        "work_item_id": watch.work_item_id,
        "kind": watch.kind.value,
        "target_ref": watch.target_ref,
        "interval_secs": watch.interval_secs,
        "next_due_at": watch.next_due_at,
        "status": watch.status.value,
        "on_trigger": watch.on_trigger.value,
        "last_check_at": watch.last_check_at,
        "consecutive_failures": watch.consecutive_failures,
        "finding": watch.finding,
    }


def event_text(event: MissionEvent) -> str:
    """One line of the mission's log."""
    return f"{event.at.isoformat()} {event.type}: {event.text}"


def why_record(found: Why) -> dict[str, Any]:
    """Why an item is where it is."""
    return {
        "work_item": item_record(found.item),
        "reasons": list(found.reasons),
        "failed_tries": list(found.item.history),
        "history": [event_text(event) for event in found.history],
    }
