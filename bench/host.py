"""What a host with fifty idle agents takes: memory, and processor time while nothing happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psutil

from bench.children import child
from bench.figure import Row
from bench.town import add_agents, bench_town
from tinytown.bootstrap import Town
from tinytown.domain.agent import AgentState

_AGENTS = 50
_IDLE_SECS = 5.0
_TARGET_MB = 100.0


def rows() -> Iterator[Row]:
    """The rows of the table."""
    with bench_town() as town:
        add_agents(town, _AGENTS)
        with child(town, "tinytown.cli", "host") as host:
            host.until(lambda: _are_idle(town))
            process = psutil.Process(host.pid)
            before = process.cpu_times()
            threading.Event().wait(_IDLE_SECS)
            after = process.cpu_times()
            megabytes = process.memory_info().rss / 1e6
            host.check()
    busy = (after.user + after.system) - (before.user + before.system)
    yield Row(
        what=f"host with {_AGENTS} idle agents, resident memory",
        figure=f"{megabytes:.1f} MB",
        target=f"under {_TARGET_MB:g} MB",
        is_met=megabytes < _TARGET_MB,
    )
    yield Row(
        what=f"host with {_AGENTS} idle agents, processor time",
        figure=f"{busy * 1000:.0f} ms in {_IDLE_SECS:g} s",
        reference=f"{busy / _IDLE_SECS:.2%} of a core",
    )


def _are_idle(town: Town) -> bool:
    return all(agent.state is AgentState.IDLE for agent in town.agent_store.all())
