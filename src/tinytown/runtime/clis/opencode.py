"""opencode, `opencode run`, which reads a redirected input as its message: opencode.ai/docs/cli.

What it may do without asking is the `permission` of opencode.json; its defaults allow edits and commands. The flag
that allows the rest was renamed between versions, so none is given.
"""

from __future__ import annotations

from tinytown.runtime.clis.base import NOTHING, Cli, Reading
from tinytown.runtime.clis.lines import Event, failure, reads_events
from tinytown.runtime.usage import Usage

_COMMAND = ("opencode", "run", "--format", "json")


def read(event: Event) -> Reading:
    """Each event names its session; each step tells what it cost."""
    session = event.session("sessionID")
    match event.text("type"):
        case "text":
            return Reading(session=session, text=event.text("part", "text").strip() or None)
        case "step_finish":
            tokens_in = event.count("part", "tokens", "input")
            cached = sum(event.count("part", "tokens", "cache", name) for name in ("read", "write"))
            tokens_out = sum(event.count("part", "tokens", name) for name in ("output", "reasoning"))
            cost = event.number("part", "cost")
            return Reading(
                session=session, usage=Usage(tokens_in=tokens_in + cached, tokens_out=tokens_out, cost_usd=cost)
            )
        case "error":
            return Reading(session=session).then(failure(event.message("error")))
        case _:
            return Reading(session=session) if session else NOTHING


OPENCODE = Cli(
    name="opencode", command=_COMMAND, resume=(*_COMMAND, "--session", "{session}"), reader=reads_events(read)
)
