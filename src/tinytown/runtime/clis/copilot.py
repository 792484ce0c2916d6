"""GitHub Copilot CLI, `copilot`. It takes a redirected input as its prompt when `-p` is not given:
docs.github.com, Running GitHub Copilot CLI programmatically. It signs in with COPILOT_GITHUB_TOKEN or its own login.

It counts premium requests, not tokens; only the tokens of its answers are known.
"""

from __future__ import annotations

from tinytown.runtime.clis.base import NOTHING, Cli, Reading
from tinytown.runtime.clis.lines import Event, failure, reads_events
from tinytown.runtime.usage import Usage

_COMMAND = ("copilot", "--allow-all-tools", "--no-color", "--output-format", "json")


def read(event: Event) -> Reading:
    """Messages as they come; the session id in the `result` at the end."""
    match event.text("type"):
        case "assistant.message":
            tokens = event.count("data", "outputTokens")
            return Reading(text=event.text("data", "content") or None, usage=Usage(tokens_out=tokens))
        case "session.error":
            return failure(event.message("data"))
        case "result":
            done = Reading(session=event.session("sessionId"))
            code = event.count("exitCode")
            return done.then(Reading(error=f"copilot exited with code {code}")) if code else done
        case _:
            return NOTHING


COPILOT = Cli(name="copilot", command=_COMMAND, resume=(*_COMMAND, "--resume={session}"), reader=reads_events(read))
