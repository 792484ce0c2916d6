"""What became of a mission that was deleted, for people."""

from __future__ import annotations

from tinytown.cli.render.text import count, plain
from tinytown.domain.ids import short
from tinytown.services.deletion import Deleted


def deleted_lines(deleted: Deleted) -> list[str]:
    """What `tt mission delete` says."""
    tasks = f", {count(deleted.cancelled, 'task')} cancelled" if deleted.cancelled else ""
    lines = [f"🗑️  Mission {short(deleted.mission_id)} is deleted{tasks}"]
    for kept in deleted.kept:
        lines.append(f"   kept: {plain(kept.item_key)} on branch {plain(kept.branch)} ({plain(kept.why)})")
        lines += [f"      in {plain(kept.worktree)}"] if kept.worktree else []
    return lines
