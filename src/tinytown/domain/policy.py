"""How a mission is to be executed. The first four names and defaults come from the mission-mode document."""

from __future__ import annotations

import msgspec


class MissionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Execution rules of one mission."""

    max_parallel_items: int = 2
    """Most items assigned or running at once."""
    reviewer_required: bool = True
    """Whether an item that changes code (implement, test, followup) needs an approved review."""
    auto_merge: bool = False
    """Whether a pull request that passes everything is merged without asking."""
    watch_interval_secs: int = 180
    """How often each pull request is looked at when nothing signals a change."""
    max_attempts: int = 3
    """Failed tries at an item's work, past which a person is asked."""
    max_fix_rounds: int = 5
    """Fix tasks for one pull request, past which a person is asked."""
    lost_agent_secs: int = 60
    """How long an agent may be cold before its work goes to another."""
    help_after_secs: int = 30
    """How long a mission may be stuck on the same cause before help is asked."""
