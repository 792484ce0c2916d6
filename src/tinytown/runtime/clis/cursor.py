"""Cursor's agent, `cursor-agent --print`. Flags and events: cursor.com/docs/cli/reference/parameters and output-format.

`--force` also trusts the folder, which a fresh worktree needs. It tells neither tokens (older versions) nor cost.
"""

from __future__ import annotations

from tinytown.runtime.clis.base import NOTHING, Cli, Reading
from tinytown.runtime.clis.lines import Event, failure, reads_events
from tinytown.runtime.usage import Usage

_COMMAND = ("cursor-agent", "--print", "--force", "--output-format", "stream-json")


def read(event: Event) -> Reading:
    """Much like claude's events, with its own names in `usage`."""
    match event.text("type"):
        case "system":
            return Reading(session=event.session("session_id"))
        case "result":
            sent = ("inputTokens", "cacheReadTokens", "cacheWriteTokens")
            usage = Usage(
                tokens_in=sum(event.count("usage", name) for name in sent),
                tokens_out=event.count("usage", "outputTokens"),
            )
            done = Reading(session=event.session("session_id"), usage=usage)
            said = event.text("result")
            return done.then(failure(said) if event.at("is_error") is True else Reading(text=said or None))
        case _:
            return NOTHING


CURSOR = Cli(name="cursor", command=_COMMAND, resume=(*_COMMAND, "--resume", "{session}"), reader=reads_events(read))
