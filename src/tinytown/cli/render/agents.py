"""Agents, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tinytown.cli.render.text import ago, columns, cut, plain, span
from tinytown.domain.agent import Agent, AgentState
from tinytown.domain.ids import short
from tinytown.domain.task import Task

_MARKS = {
    AgentState.STARTING: "🌱",
    AgentState.IDLE: "💤",
    AgentState.WORKING: "🔨",
    AgentState.PAUSED: "⏳",
    AgentState.DRAINING: "🚰",
    AgentState.COLD: "🧊",
    AgentState.STOPPED: "🛑",
    AgentState.ERROR: "❌",
}
_TITLE_CHARS = 48


def mark(state: AgentState) -> str:
    """The picture of a state."""
    return _MARKS[state]


def agent_lines(agents: Iterable[Agent], tasks: Mapping[str, Task], now: datetime) -> list[str]:
    """A table with a line for each agent."""
    header = ("", "NAME", "STATE", "ROLE", "CLI", "ROUNDS", "DONE", "INBOX", "URGENT", "OUTPUT", "DOING")
    rows = [_row(agent, tasks, now) for agent in agents]
    return columns([header, *rows], indent="   ") if rows else ["   none yet; start one: tt spawn NAME"]


def _row(agent: Agent, tasks: Mapping[str, Task], now: datetime) -> tuple[str, ...]:
    name = f"{agent.name} ({agent.spec.nickname})" if agent.spec.nickname else agent.name
    return (
        _MARKS[agent.state],
        name,
        agent.state.value,
        agent.spec.role,
        agent.spec.cli,
        str(agent.rounds_completed),
        str(agent.tasks_completed),
        str(agent.inbox_len),
        str(agent.urgent_len),
        ago(agent.last_output_at, now) if agent.last_output_at else "-",
        doing(agent, tasks, now),
    )


def doing(agent: Agent, tasks: Mapping[str, Task], now: datetime) -> str:
    """What the agent does and since when, or why it does nothing."""
    since = span(now - agent.since)
    is_last = agent.state is AgentState.DRAINING and agent.run_id is not None
    if agent.state is AgentState.WORKING or is_last:
        task = tasks.get(agent.task_id or "")
        what = cut(task.spec.title, _TITLE_CHARS) if task else "messages"
        then = ", then stops" if is_last else ""
        return f"{what}, for {since}{then}"
    if agent.state is AgentState.PAUSED and agent.paused_until is not None:
        return f"until {agent.paused_until:%H:%M:%S} UTC: {plain(agent.reason)}"
    return plain(agent.reason) if agent.reason else f"since {since}"


def deep_lines(agent: Agent) -> list[str]:
    """What only those want to know who look closely."""
    spec = agent.spec
    limit = f" of at most {spec.max_rounds}" if spec.max_rounds is not None else ""
    return columns(
        [
            ("id", agent.id),
            ("machine", spec.machine),
            ("host", agent.host_id or "-"),
            ("run", agent.run_id or "-"),
            ("parent", spec.parent or "-"),
            ("rounds", f"{agent.rounds_completed}{limit}"),
            ("open tasks", str(agent.open_tasks)),
            ("tokens", f"{agent.tokens:,}"),
            ("cost", f"${agent.cost_usd:.2f}"),
            ("since", f"{agent.since:%Y-%m-%d %H:%M:%S} UTC"),
        ],
        indent="         ",
    )


def agent_record(agent: Agent, tasks: Mapping[str, Task] | None = None) -> dict[str, Any]:
    """An agent as JSON; field names as in the REST interface's AgentInfo where that has them."""
    spec, task = agent.spec, (tasks or {}).get(agent.task_id or "")
    return {
        "id": agent.id,
        "name": agent.name,
        "nickname": spec.nickname,
        "cli": spec.cli,
        "role": spec.role,
        "parent": spec.parent,
        "state": agent.state.value,
        "since": agent.since,
        "reason": agent.reason,
        "paused_until": agent.paused_until,
        "is_interrupted": agent.is_interrupted,
        "is_closing": agent.closing is not None,
        "rounds_completed": agent.rounds_completed,
        "max_rounds": spec.max_rounds,
        "tasks_completed": agent.tasks_completed,
        "open_tasks": agent.open_tasks,
        "inbox_len": agent.inbox_len,
        "urgent_len": agent.urgent_len,
        "task_id": agent.task_id,
        "task_title": task.spec.title if task else None,
        "run_id": agent.run_id,
        "host_id": agent.host_id,
        "machine": spec.machine,
        "last_output_at": agent.last_output_at,
        "tokens": agent.tokens,
        "cost_usd": agent.cost_usd,
        "created_at": spec.created_at,
    }


def spawned_lines(name: str, agent_id: str, cli: str, role: str) -> list[str]:
    """What `tt spawn` says."""
    return [f"🌱 Spawned {name} ({cli}, role {role}): {short(agent_id)}"]
