"""Messages between agents, people and the dispatcher."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

MAX_HOPS = 8
"""Agents that may pass work on in a row; without an end to it they could keep each other busy for ever."""


class MessageKind(Enum):
    """What a message is for."""

    TASK = "task"
    """Something to do; it starts a run."""
    QUERY = "query"
    """A question; it starts a run."""
    INFO = "info"
    """Something to know; handed over with the next run."""
    ACK = "ack"
    """A receipt; handed over with the next run."""


STARTS_A_RUN = frozenset({MessageKind.TASK, MessageKind.QUERY})


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message in an inbox."""

    id: str
    to: str
    """Agent id, or `conductor`."""
    sender: str
    """Agent name, or `supervisor`, `conductor`, `dispatcher`."""
    kind: MessageKind
    text: str
    sent_at: datetime
    is_urgent: bool = False
    task_id: str | None = None
    """The task it brings."""
    mission_id: str | None = None
    hops: int = 0
    """How many agents in a row passed work on until this was sent: one more than what started the sender's run."""
