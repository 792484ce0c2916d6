"""Tasks that have ended, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tinytown.cli.render.tasks import task_record
from tinytown.cli.render.text import columns, cut, span
from tinytown.domain.agent import Agent
from tinytown.domain.ids import short
from tinytown.domain.task import Task

_TITLE_CHARS = 40
_RESULT_CHARS = 60
_COMMIT_CHARS = 10
_HEAD = ("ENDED", "ID", "AGENT", "STATE", "TOOK", "TOKENS", "COST", "WORK", "RESULT")


def history_table(pairs: Sequence[tuple[Task, Agent | None]], now: datetime) -> list[str]:
    """Tasks, a line each."""
    return columns([_HEAD, *(_row(task, agent, now) for task, agent in pairs)], indent="   ") if pairs else []


def _row(task: Task, agent: Agent | None, now: datetime) -> tuple[str, ...]:
    ended = task.finished_at or task.updated_at
    return (
        f"{ended:%H:%M:%S}" if ended.date() == now.date() else f"{ended:%Y-%m-%d %H:%M}",
        short(task.id),
        agent.name if agent else task.agent_name or "-",
        outcome(task),
        span(task.took) if task.took is not None else "-",
        f"{task.tokens:,}" if task.tokens else "-",
        f"${task.cost_usd:.2f}" if task.cost_usd else "-",
        " ".join(part for part in ((task.head or "")[:_COMMIT_CHARS], task.branch or task.spec.branch or "") if part)
        or "-",
        cut(first_line(task), _RESULT_CHARS) or cut(task.spec.title, _TITLE_CHARS),
    )


def outcome(task: Task) -> str:
    """What came of it: a review's verdict, else its state."""
    is_verdict = task.report is not None and task.report.value in {"approved", "rejected"}
    return task.report.value if is_verdict and task.report else task.state.value


def first_line(task: Task) -> str:
    """The first line of what was said of it at its end."""
    said = task.result or task.reason
    return next((line.strip() for line in said.splitlines() if line.strip()), "")


def history_record(task: Task, agent: str | None) -> dict[str, Any]:
    """A task as JSON, with how long it took."""
    took = task.took
    return {**task_record(task, agent), "took_secs": None if took is None else round(took.total_seconds(), 3)}
