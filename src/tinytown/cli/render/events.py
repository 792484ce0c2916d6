"""Events, a line each for people and a line of JSON each for programs."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tinytown.cli.render.text import plain
from tinytown.domain.ids import short
from tinytown.services.journal import EventSeen

_TYPE_CHARS = 16
_WHO_CHARS = 12


def event_line(event: EventSeen, now: datetime) -> str:
    """When, what, who, and what about it."""
    when = f"{event.at:%H:%M:%S}" if event.at.date() == now.date() else f"{event.at:%Y-%m-%d %H:%M:%S}"
    who = event.agent_name or (short(event.agent_id) if event.agent_id else "-")
    about = "  ".join(part for part in (_text(event), _ids(event)) if part)
    return f"{when}  {plain(event.type):{_TYPE_CHARS}}  {plain(who):{_WHO_CHARS}}  {about}".rstrip()


def _text(event: EventSeen) -> str:
    return f"from {plain(event.text)}" if event.type == "message.sent" else plain(event.text)


def _ids(event: EventSeen) -> str:
    named = {"task": event.task_id, "mission": event.mission_id}
    ids = ", ".join(f"{what} {short(id_)}" for what, id_ in named.items() if id_)
    return f"({ids})" if ids else ""


def event_json(event: EventSeen) -> str:
    """The event as one line."""
    return msgspec.json.encode(event).decode()
