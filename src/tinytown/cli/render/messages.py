"""Messages, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tinytown.cli.render.text import ago, count, plain
from tinytown.domain.message import Message


def inbox_lines(owner: str, messages: Sequence[Message], now: datetime) -> list[str]:
    """What waits in an inbox."""
    urgent = sum(message.is_urgent for message in messages)
    lines = [f"📬 {owner}: {count(len(messages), 'message')}{f' ({urgent} urgent)' if urgent else ''}"]
    for message in messages:
        mark = "❗" if message.is_urgent else "✉️ "
        lines.append(f"   {mark} {plain(message.sender)}  {message.kind.value}  {ago(message.sent_at, now)}")
        lines += [f"      {plain(line)}".rstrip() for line in message.text.splitlines()]
    return lines


def inbox_record(owner: str, messages: Sequence[Message]) -> dict[str, Any]:
    """An inbox as JSON; field names as in the REST interface's InboxResponse where that has them."""
    return {
        "agent": owner,
        "total": len(messages),
        "urgent": sum(message.is_urgent for message in messages),
        "messages": [_record(message) for message in messages],
    }


def _record(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "from": message.sender,
        "type": message.kind.value,
        "summary": plain((message.text.splitlines() or [""])[0]),
        "text": message.text,
        "urgent": message.is_urgent,
        "sent_at": message.sent_at,
        "task_id": message.task_id,
        "mission_id": message.mission_id,
    }
