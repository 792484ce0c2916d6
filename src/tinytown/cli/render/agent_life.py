"""What became of agents, for people and as JSON; field names as in the REST interface where that has them."""

from __future__ import annotations

from typing import Any

from tinytown.cli.render.agents import mark
from tinytown.cli.render.text import count, plain
from tinytown.domain.agent import Agent
from tinytown.services.agent_life import Pruned
from tinytown.services.recovery import NOWHERE, Reclaimed, Recovered
from tinytown.services.waiting import Waited
from tinytown.store.agents import HandedOver


def pruned_lines(pruned: Pruned) -> list[str]:
    """What `tt prune` says."""
    names = f": {', '.join(pruned.removed)}" if pruned.removed else ""
    lines = [f"🧹 Pruned {count(len(pruned.removed), 'agent')}{names}"]
    lines += _moved_lines(pruned.moved, "the backlog")
    lines += [f"   kept {one.name}: {plain(one.reason)}" for one in pruned.kept]
    return lines


def pruned_record(pruned: Pruned) -> dict[str, Any]:
    """Pruning as JSON."""
    return {
        "removed": len(pruned.removed),
        "agents": list(pruned.removed),
        "kept": [{"name": one.name, "reason": one.reason} for one in pruned.kept],
        **handed_record(pruned.moved),
    }


def recovered_lines(recovered: Recovered) -> list[str]:
    """What `tt recover` says."""
    names = f": {', '.join(recovered.agents)}" if recovered.agents else ""
    lines = [f"🩹 Recovered {len(recovered.agents)} of {count(recovered.checked, 'agent')}{names}"]
    if recovered.elsewhere:
        lines.append(f"   cold until there is a host on their machine: {', '.join(recovered.elsewhere)}")
        lines.append("   give their work to others: tt reclaim --from NAME --to-backlog")
    return lines


def recovered_record(recovered: Recovered) -> dict[str, Any]:
    """Recovering as JSON."""
    return {
        "checked": recovered.checked,
        "recovered": len(recovered.agents),
        "agents": list(recovered.agents),
        "elsewhere": list(recovered.elsewhere),
    }


def reclaimed_lines(reclaimed: Reclaimed, source: str | None) -> list[str]:
    """What `tt reclaim` says; `source` is the one agent that was asked about, if it was one."""
    whose = f" of {', '.join(reclaimed.agents)}" if reclaimed.agents else ""
    found = reclaimed.found
    runs = "a run under way stays" if found.under_way == 1 else "runs under way stay"
    under_way = [f"   {count(found.under_way, 'message')} of {runs}"] if found.under_way else []
    if reclaimed.destination == NOWHERE:
        what = f"{found.text}{whose}" if found.total else "nothing"
        whom = f" --from {source}" if source is not None else ""
        advice = [f"   take it: tt reclaim{whom} --to-backlog, or --to AGENT"] if found.total else []
        return [f"♻️  To be reclaimed: {what}", *under_way, *advice]
    destination = "the backlog" if reclaimed.destination == "backlog" else reclaimed.destination
    lines = _moved_lines(reclaimed.moved, destination)
    return [f"♻️  Reclaimed {reclaimed.moved.text}{whose}", *lines, *under_way]


def reclaimed_record(reclaimed: Reclaimed) -> dict[str, Any]:
    """Reclaiming as JSON."""
    return {
        "reclaimed": reclaimed.count,
        "destination": reclaimed.destination,
        "found": reclaimed.found.total,
        "agents": list(reclaimed.agents),
        **handed_record(reclaimed.found),
    }


def handed_record(found: HandedOver) -> dict[str, int]:
    """What was taken from agents as JSON."""
    return {
        "tasks": found.tasks,
        "messages": found.messages,
        "mission_tasks": found.mission_tasks,
        "under_way": found.under_way,
    }


def waited_lines(waited: Waited) -> list[str]:
    """What `tt wait` says."""
    if waited.is_timed_out:
        return ["⏰ not there yet:", *(f"   {_state(agent)}" for agent in waited.pending)]
    return [_state(agent) for agent in waited.agents] or ["🧹 pruned meanwhile"]


def waited_record(waited: Waited) -> dict[str, Any]:
    """Waiting as JSON."""
    return {
        "timed_out": waited.is_timed_out,
        "agents": [{"name": a.name, "state": a.state.value, "inbox_len": a.inbox_len} for a in waited.agents],
        "pending": [agent.name for agent in waited.pending],
    }


def _moved_lines(moved: HandedOver, destination: str) -> list[str]:
    receiver = "your inbox" if destination == "the backlog" else destination
    parts = (
        (moved.tasks, "task", destination),
        (moved.messages, "message", receiver),
        (moved.mission_tasks, "task", "their missions"),
    )
    return [f"   {count(number, noun)} to {where}" for number, noun, where in parts if number]


def _state(agent: Agent) -> str:
    waiting = f", {count(agent.inbox_len, 'message')} waiting" if agent.inbox_len else ""
    why = f": {plain(agent.reason)}" if agent.reason else ""
    return f"{mark(agent.state)} {agent.name} is {agent.state.phrase}{waiting}{why}"
