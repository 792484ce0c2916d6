"""The backlog, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tinytown.cli.render.tasks import task_record
from tinytown.cli.render.text import ago, columns, cut
from tinytown.cli.render.text import count as counted
from tinytown.domain.ids import short
from tinytown.domain.task import Task

_TITLE_CHARS = 60
_TAGS_CHARS = 40


def backlog_hint(number: int) -> list[str]:
    """How many tasks nobody has yet, if there are any."""
    return [f"📥 Backlog: {counted(number, 'task')} (tt backlog list)"] if number else []


def backlog_lines(tasks: Sequence[Task], count: int, now: datetime, *, is_part: bool) -> list[str]:
    """A part of the backlog, a line a task; `is_part` says that it does not begin at the beginning."""
    rows = [
        (
            short(task.id),
            ago(task.spec.created_at, now),
            task.spec.parent or "-",
            cut(", ".join(task.spec.tags), _TAGS_CHARS) or "-",
            cut(task.spec.title, _TITLE_CHARS),
        )
        for task in tasks
    ]
    table = columns([("ID", "ADDED", "FROM", "TAGS", "TITLE"), *rows], indent="   ") if rows else ["   nothing waits"]
    has_more = not is_part and count > len(tasks)
    more = [f"   …and {count - len(tasks)} more: tt backlog list --after {short(tasks[-1].id)}"] if has_more else []
    return [f"📥 Backlog: {count}", *table, *more]


def backlog_record(tasks: Sequence[Task], count: int) -> dict[str, Any]:
    """A part of the backlog as JSON; field names as in the REST interface's BacklogList where that has them."""
    records = [{**task_record(task, None), "description": task.spec.instructions} for task in tasks]
    return {"backlog": records, "count": len(records), "total": count}
