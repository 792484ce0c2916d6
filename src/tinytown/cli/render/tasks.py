"""Tasks, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinytown.cli.render.text import columns, cut, plain
from tinytown.domain.agent import Agent
from tinytown.domain.ids import short
from tinytown.domain.task import Task

_TITLE_CHARS = 60


def task_table(pairs: Iterable[tuple[Task, Agent | None]], nothing: str = "none") -> list[str]:
    """Tasks, a line each; `nothing` when there are none."""
    rows = [
        (
            short(task.id),
            task.state.value,
            task.spec.kind.value,
            agent.name if agent else task.agent_name or "-",
            cut(task.spec.title, _TITLE_CHARS),
        )
        for task, agent in pairs
    ]
    return columns([("ID", "STATE", "KIND", "AGENT", "TITLE"), *rows], indent="   ") if rows else [f"   {nothing}"]


def task_lines(task: Task, agent: str | None) -> list[str]:
    """Everything about one task."""
    spec = task.spec
    facts = [
        ("state", task.state.value + (f", reported as {task.report.value}" if task.report and task.is_open else "")),
        ("kind", spec.kind.value + (f" of {', '.join(spec.causes)}" if spec.causes else "")),
        ("agent", agent or task.agent_name or "-"),
        ("from", spec.parent or "-"),
        ("mission", short(spec.mission_id) if spec.mission_id else "-"),
        ("branch", task.branch or spec.branch or "-"),
        ("pull request", spec.pull_url or "-"),
        ("commit", task.head or spec.head or "-"),
        ("runs", str(task.runs)),
        ("result", plain(task.result) or "-"),
        ("reason", plain(task.reason) or "-"),
    ]
    shown = [fact for fact in facts if fact[1] != "-"]
    return [f"📋 {plain(spec.title)}  {task.id}", *columns(shown, indent="   "), *_text(spec.instructions)]


def _text(instructions: str) -> list[str]:
    lines = [f"   {plain(line)}".rstrip() for line in instructions.splitlines()]
    return ["", *lines] if lines else []


def task_record(task: Task, agent: str | None) -> dict[str, Any]:
    """A task as JSON."""
    spec = task.spec
    return {
        "task_id": task.id,
        "kind": spec.kind.value,
        "title": spec.title,
        "instructions": spec.instructions,
        "state": task.state.value,
        "report": task.report.value if task.report else None,
        "agent_id": task.agent_id,
        "agent_name": agent or task.agent_name,
        "parent": spec.parent,
        "mission_id": spec.mission_id,
        "work_item_id": spec.item_id,
        "causes": list(spec.causes),
        "branch": task.branch or spec.branch,
        "head": task.head or spec.head,
        "pull_url": spec.pull_url,
        "runs": task.runs,
        "result": task.result,
        "reason": task.reason,
        "tags": list(spec.tags),
        "created_at": spec.created_at,
        "updated_at": task.updated_at,
        "started_at": task.started_at,
        "finished_at": task.finished_at,
        "tokens": task.tokens,
        "cost_usd": task.cost_usd,
    }
