"""Missions, for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tinytown.cli.render.needs import need_lines
from tinytown.cli.render.text import ago, columns, count, plain, span
from tinytown.cli.render.town import dispatcher_line, host_lines
from tinytown.domain.agent import Agent
from tinytown.domain.ids import short
from tinytown.domain.mission import Help, Mission, MissionEvent, MissionState
from tinytown.domain.policy import MissionPolicy
from tinytown.domain.refs import IssueRef, ObjectiveRef
from tinytown.domain.workitem import WorkItem, WorkStatus
from tinytown.services.insights import DispatcherSeen, HostSeen, MissionProgress
from tinytown.services.missions import MissionView, Started, Why

_ITEM_MARKS = {
    WorkStatus.PENDING: "⏳",
    WorkStatus.READY: "🟢",
    WorkStatus.ASSIGNED: "📨",
    WorkStatus.RUNNING: "🔨",
    WorkStatus.BLOCKED: "🚧",
    WorkStatus.DONE: "✅",
}
_MISSION_MARKS = {
    MissionState.PLANNING: "📐",
    MissionState.RUNNING: "🚀",
    MissionState.BLOCKED: "🚧",
    MissionState.COMPLETED: "🏁",
    MissionState.FAILED: "❌",
}


def started_lines(started: Started) -> list[str]:
    """What `tt mission start` says."""
    mission, keys = started.mission, {item.id: item.key for item in started.items}
    return [
        f"🚀 Mission started: {mission.id}",
        f"📋 Objectives: {objectives(mission.objective_refs)}",
        f"📦 Work items: {len(started.items)}",
        *(f"   ⏳ {item_title(item)}{_after(item, keys, mission.home)}" for item in started.items),
        *(f"⚠️  {plain(warning)}" for warning in started.warnings),
    ]


def objectives(refs: Iterable[ObjectiveRef]) -> str:
    """`3 issues`, `1 issue, 2 documents`."""
    found = tuple(refs)
    issues = sum(isinstance(ref, IssueRef) for ref in found)
    documents = len(found) - issues
    parts = [count(issues, "issue")] if issues or not documents else []
    return ", ".join([*parts, *([count(documents, "document")] if documents else [])])


def item_title(item: WorkItem) -> str:
    """`Issue #1: Design auth API`."""
    is_issue = item.key.rpartition("#")[2].isdecimal()
    return f"{'Issue' if is_issue else 'Document'} {plain(item.key)}: {plain(item.title)}"


def _after(item: WorkItem, keys: dict[str, str], home: tuple[str, str]) -> str:
    outside = [dependency.ref.label(home) for dependency in item.waits_for]
    names = [keys[i] for i in item.depends_on if i in keys] + outside
    return f" (after {', '.join(names)})" if names else ""


def state_of(mission: Mission) -> str:
    """The mission's state as people say it."""
    return f"{mission.state.value}, stopped" if mission.is_paused and mission.is_active else mission.state.value


def mission_lines(view: MissionView, now: datetime) -> list[str]:
    """What `tt mission status` shows of itself."""
    mission = view.mission
    facts = [
        ("state", state_of(mission)),
        ("because", plain(mission.blocked_reason or "")),
        ("objectives", objectives(mission.objective_refs)),
        ("work items", f"{len(view.items)}{_counts(view.items)}"),
        ("policy", policy_text(mission.policy)),
        ("into", mission.base),
        ("started", ago(mission.created_at, now)),
        ("changed", ago(mission.updated_at, now)),
        ("next look", _until(mission.next_wake_at, now) if mission.is_active else ""),
    ]
    lines = [f"{_MISSION_MARKS[mission.state]} Mission: {mission.id}"]
    lines += columns([(f"{name}:", text) for name, text in facts if text], indent="   ")
    if mission.is_paused and mission.is_active:
        lines.append(f"   go on with: tt mission resume {short(mission.id)}")
    return lines + [f"   note: {plain(note)}" for note in mission.notes]


def _counts(items: Iterable[WorkItem]) -> str:
    found = list(items)
    numbers = [(status, sum(item.status is status for item in found)) for status in WorkStatus]
    told = ", ".join(f"{number} {status.value}" for status, number in reversed(numbers) if number)
    return f" ({told})" if told else ""


def policy_text(policy: MissionPolicy) -> str:
    """The policy in one line."""
    return ", ".join(
        (
            f"{policy.max_parallel_items} at once",
            "review required" if policy.reviewer_required else "no review",
            "merged automatically" if policy.auto_merge else "merged by you",
            f"watched every {policy.watch_interval_secs}s",
        )
    )


def _until(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "when something happens"
    return "now" if at <= now else f"in {span(at - now)}"


def work_lines(view: MissionView) -> list[str]:
    """The work items, each with what it waits for."""
    lines = [f"📦 Work Items: {len(view.items)}"]
    for item in view.items:
        lines.append(f"   {item_line(item, view.agents)}")
        if not item.is_done:
            lines += [f"      {plain(reason)}" for reason in view.why.get(item.id, ())]
    return lines


def item_line(item: WorkItem, agents: dict[str, Agent]) -> str:
    """One item: mark, title, state, agent, pull request."""
    agent = agents.get(item.assigned_to or "")
    pull = f", {pull_text(item)}" if item.pull is not None else ""
    who = f", {agent.name}" if agent else f", for {plain(item.owner_role)}" if item.owner_role else ""
    return f"{_ITEM_MARKS[item.status]} {item_title(item)} [{item.status.value}{who}{pull}]  {short(item.id)}"


def pull_text(item: WorkItem) -> str:
    """The item's pull request with what is known of it."""
    pull = item.pull
    if pull is None:
        return ""
    if pull.merged_as is not None:
        return f"PR #{pull.number} merged as {pull.merged_as[:10]}"
    return f"PR #{pull.number} checks {pull.checks.value} review {pull.reviewed.value} mergeable {pull.mergeable.value}"


def dispatch_lines(
    mission: Mission, dispatchers: tuple[DispatcherSeen, ...], hosts: tuple[HostSeen, ...], now: datetime
) -> list[str]:
    """Who moves the mission on, and what help it asked for."""
    alive = sum(dispatcher.is_alive for dispatcher in dispatchers)
    lines = [f"🛰️  Dispatchers: {alive}", *(dispatcher_line(found) for found in dispatchers)]
    if not alive and mission.is_active:
        lines.append("   ⚠️  NO DISPATCHER RUNS: the mission does not move; start one: tt mission dispatch")
    return [*lines, *host_lines(hosts, is_deep=True), *help_lines(mission, mission.help, now)]


def help_lines(mission: Mission, wanted: Help | None, now: datetime) -> list[str]:
    """What the dispatcher is stuck on."""
    if wanted is None:
        return ["🆘 Help: not needed"]
    asked = f"asked {count(wanted.times_asked, 'time')}" if wanted.times_asked else "not asked yet"
    return [
        f"🆘 Help: {plain(wanted.cause)}",
        f"   since {span(now - wanted.since)}, {asked}, asks {_until(wanted.ask_at, now)}",
        f'   answer with: tt mission note {short(mission.id)} "resume"   (or: pause, redirect ITEM to AGENT, any advice)',
    ]


def event_lines(events: Iterable[MissionEvent]) -> list[str]:
    """The mission's log."""
    return ["🕑 Events", *(f"   {event_line(event)}" for event in events)]


def event_line(event: MissionEvent) -> str:
    """One line of the mission's log."""
    return f"{event.at:%H:%M:%S}  {plain(event.text)}"


def why_lines(found: Why, agents: dict[str, Agent]) -> list[str]:
    """Why an item is where it is."""
    lines = [item_line(found.item, agents), *(f"   {plain(reason)}" for reason in found.reasons)]
    lines += [f"   {line}" for line in need_lines(found.item, found.items, found.home)]
    if found.item.history:
        lines += ["   failed tries:", *(f"      {plain(reason)}" for reason in found.item.history)]
    return [*lines, *(event_lines(found.history) if found.history else [])]


def mission_table(missions: Iterable[MissionProgress], now: datetime) -> list[str]:
    """What `tt mission list` shows."""
    rows = [
        (
            short(found.mission.id),
            state_of(found.mission),
            f"{found.done}/{found.items}",
            ago(found.mission.created_at, now),
            ", ".join(ref.label(found.mission.home) for ref in found.mission.objective_refs),
        )
        for found in missions
    ]
    return columns([("ID", "STATE", "DONE", "STARTED", "OBJECTIVES"), *rows], indent="   ") if rows else ["   none"]
