"""Server-Sent Events as text: frames, comments, and what a stream begins with (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tinytown.domain.event import Event
from tinytown.services.journal import seen, seen_with_message

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": still here\n\n"
GOODBYE = b": this ends here, come back with Last-Event-ID\n\n"
GAP = "stream.gap"
"""The type of what says that events are missing; it is none of the town's."""

_encoder = msgspec.json.Encoder()


def frame(event: Event, names: Mapping[str, str], *, with_message: bool = False) -> bytes:
    """An event as a frame; its data is one line, whatever is in its texts."""
    shown = seen_with_message(event, names) if with_message else seen(event, names)
    return _frame(f"id: {event.id}\n", event.type, _encoder.encode(shown))


def gap(after: str, first_kept: str) -> bytes:
    """What tells a reader that events after the one it knows may be gone. It has no id: it is none of the stream's."""
    text = "events after the one you know may be gone; look at the whole state anew"
    return _frame("", GAP, _encoder.encode({"type": GAP, "text": text, "after": after, "first_kept": first_kept}))


def opening(retry_ms: int) -> bytes:
    """What a stream begins with: after how long to come back when it breaks."""
    return f"retry: {retry_ms}\n: events of the town\n\n".encode()


def mark(event_id: str) -> bytes:
    """Where the stream is, without an event: those up to here were not asked for."""
    return f"id: {event_id}\n\n".encode()


def _frame(id_line: str, type_: str, data: bytes) -> bytes:
    one_line = "".join(c if c.isprintable() else "?" for c in type_)
    return b"%sevent: %s\ndata: %s\n\n" % (id_line.encode(), one_line.encode(), data)
