"""What `tt demo` says before and after."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from shlex import quote

from tinytown.cli.render.text import columns, count, plain
from tinytown.demo.outcome import Merge, Outcome
from tinytown.services.missions import MissionView


def opening_lines(root: Path) -> list[str]:
    """Where the town is, and how to look at it meanwhile."""
    town = f"tt --town {quote(str(root))}"
    return [
        f"🏘️  A town with four agents and three issues, in {root}",
        "   follow it in another terminal:",
        f"      {town} status",
        f"      {town} mission status --work --watch --dispatcher",
        f"      {town} logs -f backend",
        "",
    ]


def summary_lines(view: MissionView, outcome: Outcome, took: timedelta) -> list[str]:
    """What ran, how long, and which commits."""
    merges, items = count(len(outcome.merges), "merged pull request"), count(len(view.items), "issue")
    secs = took.total_seconds()
    return [
        "",
        f"🏁 {items}, {merges} on {view.mission.base}, in {secs:.1f} s",
        *columns([_merge(merge, view) for merge in outcome.merges], indent="   "),
        *columns(_facts(view, outcome), indent="   "),
    ]


def _merge(merge: Merge, view: MissionView) -> tuple[str, ...]:
    item = merge.item
    keys = [other.key for other in view.items if other.id in item.depends_on]
    agent = view.agents[item.assigned_to].name if item.assigned_to in view.agents else ""
    return (merge.sha[:10], item.key, plain(item.title), agent, f"after {', '.join(keys)}" if keys else "")


def _facts(view: MissionView, outcome: Outcome) -> list[tuple[str, str]]:
    agents = sorted(view.agents.values(), key=lambda agent: agent.spec.created_at)
    return [
        ("runs", ", ".join(f"{agent.name} {agent.rounds_completed}" for agent in agents)),
        ("sent back", "; ".join(_sent_back(view)) or "nothing"),
        ("tests", f"{outcome.tests} pass on {view.mission.base}" if outcome.tests else "failing"),
    ]


def _sent_back(view: MissionView) -> Iterable[str]:
    keys = {item.id: item.key for item in view.items}
    for type_, words in (("checks.failed", "by a failed check"), ("review.rejected", "by the reviewer")):
        for event in view.events:
            if event.type == type_:
                yield f"{keys.get(event.item_id or '', 'an item')} {words}"


def kept_lines(root: Path) -> list[str]:
    """Where the repository stays, and what to do with it."""
    folder = quote(str(root))
    return [
        f"   kept in {root}; everything is stopped, the next `tt` command there starts what it needs:",
        f"      git -C {folder} log --graph --oneline",
        f"      tt --town {folder} mission status --work",
        f"      tt --town {folder} mission run -i 4 --auto-merge     # once you have written issues/0004-….md",
    ]


def removed_lines(root: Path) -> list[str]:
    """That nothing is left."""
    return [f"   {root} is removed again; keep the next one: tt demo --keep DIR"]
