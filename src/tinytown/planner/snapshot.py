"""What a decision is made from: everything about one mission, read in one round trip."""

from __future__ import annotations

import msgspec

from tinytown.domain.agent import Agent
from tinytown.domain.mission import Mission
from tinytown.domain.task import Task
from tinytown.domain.watch import Watch
from tinytown.domain.workitem import WorkItem


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One mission at one version, and the town's agents."""

    mission: Mission
    items: dict[str, WorkItem]
    watches: dict[str, Watch] = {}
    tasks: dict[str, Task] = {}
    """The mission's tasks that are open, or finished and not yet taken into account."""
    agents: dict[str, Agent] = {}
    signals: dict[str, str] = {}
    """Pull requests that signalled a change since they were last looked at, with the signal's token."""
