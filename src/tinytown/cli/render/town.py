"""The town at a glance, for people and as JSON."""

from __future__ import annotations

from typing import Any

from tinytown.cli.render.agents import agent_lines, agent_record, deep_lines, doing, mark
from tinytown.cli.render.backlog import backlog_hint
from tinytown.cli.render.tasks import task_record, task_table
from tinytown.cli.render.text import ago, count, plain, span
from tinytown.domain.event import Event
from tinytown.domain.ids import short
from tinytown.services.insights import DispatcherSeen, HostSeen, MissionProgress, TownStatus

NO_DISPATCHER = "⚠️  no dispatcher runs, missions do not move; start one: tt mission dispatch"


def town_lines(status: TownStatus, *, is_deep: bool, with_tasks: bool) -> list[str]:
    """What `tt status` shows."""
    lines = [
        f"🏘️  Town: {status.place.name}",
        f"   root:  {status.place.root}",
        f"   redis: {status.place.redis_url}",
        *host_lines(status.hosts, is_deep=is_deep),
        *dispatcher_lines(status.dispatchers, is_deep=is_deep, is_needed=bool(status.missions)),
        f"👥 Agents: {len(status.agents)}",
        *(_deep_agents(status) if is_deep else agent_lines(status.agents, status.tasks, status.at)),
        f"🚀 Missions: {count(len(status.missions), 'active one') if status.missions else 'none active'}",
        *(mission_line(found) for found in status.missions),
        *backlog_hint(status.backlog),
    ]
    if with_tasks:
        names = {agent.id: agent for agent in status.agents}
        pairs = [(task, names[task.agent_id]) for task in _open_tasks(status) if task.agent_id in names]
        lines += [f"📋 Open tasks of agents: {len(pairs)}", *task_table(pairs)]
    if is_deep:
        lines += ["🕑 Events", *(event_line(event) for event in status.events)]
    return lines


def _open_tasks(status: TownStatus) -> list[Any]:
    return sorted((task for task in status.tasks.values() if task.is_open), key=lambda task: task.spec.created_at)


def _deep_agents(status: TownStatus) -> list[str]:
    lines = []
    for agent in status.agents:
        what = doing(agent, status.tasks, status.at)
        name = f"{agent.name} ({agent.spec.nickname})" if agent.spec.nickname else agent.name
        output = f", output {ago(agent.last_output_at, status.at)}" if agent.last_output_at else ""
        lines.append(
            f"   {mark(agent.state)} {name}  {agent.state.value}  {agent.spec.role}  {agent.spec.cli}  {what}{output}"
        )
        lines.append(
            f"         inbox {agent.inbox_len} ({agent.urgent_len} urgent), {count(agent.tasks_completed, 'task')} done"
        )
        lines += deep_lines(agent)
    return lines


def host_lines(hosts: tuple[HostSeen, ...], *, is_deep: bool = False) -> list[str]:
    """Which hosts run agents."""
    alive = [host for host in hosts if host.is_alive]
    if not alive:
        return ["   hosts: none runs (tt spawn, tt assign and the dispatcher start one)"]
    here = "one here" if any(host.is_here for host in alive) else "none here"
    lines = [f"   hosts: {len(alive)} alive, {here}"]
    if is_deep:
        lines += [
            f"      {short(host.id)}  pid {host.pid}  {host.root}  {'alive' if host.is_alive else 'gone'}"
            for host in hosts
        ]
    return lines


def dispatcher_lines(
    dispatchers: tuple[DispatcherSeen, ...], *, is_deep: bool = False, is_needed: bool = True
) -> list[str]:
    """Which dispatchers run; loud when one is needed and there is none."""
    alive = [dispatcher for dispatcher in dispatchers if dispatcher.is_alive]
    if not alive:
        return [NO_DISPATCHER if is_needed else "   dispatchers: none runs (start one: tt mission dispatch)"]
    lines = [f"   dispatchers: {len(alive)} alive"]
    if is_deep:
        lines += [dispatcher_line(dispatcher) for dispatcher in dispatchers]
    return lines


def dispatcher_line(found: DispatcherSeen) -> str:
    """One dispatcher's heartbeat."""
    state = "alive" if found.is_alive else "gone"
    return (
        f"      {short(found.id)}  {plain(found.machine)} pid {found.pid}  {state}, heartbeat {span(found.heard)} ago,"
        f" {count(found.steps, 'step')}, last took {found.last_step_ms:.1f} ms"
    )


def mission_line(found: MissionProgress) -> str:
    """One mission."""
    mission = found.mission
    state = "stopped" if mission.is_paused else mission.state.value
    reason = f": {plain(mission.blocked_reason)}" if mission.blocked_reason else ""
    return f"   {short(mission.id)}  {state}  {found.done}/{found.items} done{reason}"


def event_line(event: Event) -> str:
    """One event of the town."""
    return f"   {event.at:%H:%M:%S}  {event.type}  {plain(event.text)}".rstrip()


def town_record(status: TownStatus, *, with_tasks: bool) -> dict[str, Any]:
    """The town as JSON; field names as in the REST interface's TownStatus where that has them."""
    names = {agent.id: agent.name for agent in status.agents}
    record: dict[str, Any] = {
        "name": status.place.name,
        "root": str(status.place.root),
        "redis_url": status.place.redis_url,
        "agent_count": len(status.agents),
        "agents": [agent_record(agent, status.tasks) for agent in status.agents],
        "hosts": [host_record(host) for host in status.hosts],
        "dispatchers": [dispatcher_record(dispatcher) for dispatcher in status.dispatchers],
        "missions": [mission_record(found) for found in status.missions],
        "backlog_count": status.backlog,
    }
    if with_tasks:
        record["tasks"] = [task_record(task, names.get(task.agent_id or "")) for task in _open_tasks(status)]
    if status.events:
        record["events"] = list(status.events)
    return record


def host_record(host: HostSeen) -> dict[str, Any]:
    """A host as JSON."""
    return {
        "id": host.id,
        "machine": host.machine,
        "pid": host.pid,
        "root": host.root,
        "is_alive": host.is_alive,
        "is_here": host.is_here,
    }


def dispatcher_record(found: DispatcherSeen) -> dict[str, Any]:
    """A dispatcher as JSON."""
    return {
        "id": found.id,
        "machine": found.machine,
        "pid": found.pid,
        "started_at": found.started_at,
        "heartbeat_age_secs": round(found.heard.total_seconds(), 3),
        "steps": found.steps,
        "last_step_ms": found.last_step_ms,
        "is_alive": found.is_alive,
    }


def mission_record(found: MissionProgress) -> dict[str, Any]:
    """A mission as JSON; field names as in the REST interface's MissionSummary."""
    mission = found.mission
    return {
        "id": mission.id,
        "state": mission.state.value,
        "is_paused": mission.is_paused,
        "blocked_reason": mission.blocked_reason,
        "objective_count": len(mission.objective_refs),
        "work_item_count": found.items,
        "completed_count": found.done,
        "created_at": mission.created_at,
        "updated_at": mission.updated_at,
    }
