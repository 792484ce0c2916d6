"""Every tool there is."""

from __future__ import annotations

from tinytown.mcp.tool import Spec
from tinytown.mcp.tools import agents, backlog, mission_steering, missions, recovery, tasks, town

SPECS: tuple[Spec, ...] = (
    *town.TOOLS,
    *agents.TOOLS,
    *tasks.TOOLS,
    *backlog.TOOLS,
    *missions.TOOLS,
    *mission_steering.TOOLS,
    *recovery.TOOLS,
)
