"""What the reporting commands answer."""

from __future__ import annotations

from tinytown.cli.render.text import plain
from tinytown.cli.session import Session
from tinytown.domain.ids import short
from tinytown.domain.task import Task

RECORDED = "recorded"
"""What the store says of a report that the end of the run makes final."""


def show_report(session: Session, reported: tuple[Task, str], *, as_json: bool) -> None:
    """Say what became of a report."""
    task, outcome = reported
    if as_json:
        session.show_json({"task_id": task.id, "status": outcome})
        return
    what = "your report is recorded; it counts when this run ends" if outcome == RECORDED else f"it is {outcome}"
    session.show([f"✅ Task {short(task.id)} ({plain(task.spec.title)}): {what}"])
