"""Gemini CLI, `gemini`. Without a query and with its input redirected it runs once on what it reads:
geminicli.com/docs/cli/headless.
"""

from __future__ import annotations

from tinytown.runtime.clis.base import NOTHING, Cli, Reading
from tinytown.runtime.clis.lines import Event, failure, reads_events
from tinytown.runtime.usage import Usage

_COMMAND = ("gemini", "--yolo", "--output-format", "stream-json")


def read(event: Event) -> Reading:
    """`init` names the session, `result` carries the tokens and the outcome; `error` events may be mere warnings."""
    match event.text("type"):
        case "init":
            return Reading(session=event.session("session_id"))
        case "message" if event.text("role") == "assistant":
            return Reading(text=event.text("content").strip() or None)
        case "error" if event.text("severity") != "warning":
            return failure(event.message("message") or event.message("error"))
        case "result":
            tokens_in, tokens_out = event.count("stats", "input_tokens"), event.count("stats", "output_tokens")
            done = Reading(usage=Usage(tokens_in=tokens_in, tokens_out=tokens_out))
            return done.then(failure(event.message("error"))) if event.text("status") == "error" else done
        case _:
            return NOTHING


GEMINI = Cli(name="gemini", command=_COMMAND, resume=(*_COMMAND, "--resume", "{session}"), reader=reads_events(read))
