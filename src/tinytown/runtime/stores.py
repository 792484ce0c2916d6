"""The store as a host and its agents' runners use it."""

from __future__ import annotations

import msgspec

from tinytown.store.agents import AgentStore
from tinytown.store.events import EventStream
from tinytown.store.hosts import HostStore
from tinytown.store.inbox import Inbox
from tinytown.store.missions import MissionStore
from tinytown.store.tasks import TaskStore


class Stores(msgspec.Struct, frozen=True, kw_only=True):
    """What the host's one store thread speaks to."""

    hosts: HostStore
    agents: AgentStore
    tasks: TaskStore
    missions: MissionStore
    inbox: Inbox
    events: EventStream
    """On a connection of its own: it blocks."""
