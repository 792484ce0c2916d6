"""Claude Code, `claude`. Flags and events: code.claude.com/docs/en/headless and .../cli-reference.

As root it insists on a sandbox: set IS_SANDBOX=1 in the environment of the host.
"""

from __future__ import annotations

from tinytown.runtime.clis.base import NOTHING, Cli, Reading
from tinytown.runtime.clis.lines import Event, failure, reads_events
from tinytown.runtime.clis.rate_limit import epoch_limit, find_rate_limit
from tinytown.runtime.usage import Usage

# stream-json needs --verbose
_COMMAND = ("claude", "-p", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions")


def read(event: Event) -> Reading:
    """Session id first, limits as they are hit, everything else in the `result` at the end."""
    match event.text("type"):
        case "system":
            return Reading(session=event.session("session_id"))
        case "rate_limit_event" if event.text("rate_limit_info", "status") == "rejected":
            return Reading(rate_limit=epoch_limit(event.number("rate_limit_info", "resetsAt")))
        case "result":
            return _result(event)
        case _:
            return NOTHING


def _result(event: Event) -> Reading:
    sent = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    done = Reading(
        session=event.session("session_id"),
        usage=Usage(
            tokens_in=sum(event.count("usage", name) for name in sent),
            tokens_out=event.count("usage", "output_tokens"),
            cost_usd=event.number("total_cost_usd"),
        ),
    )
    said = event.text("result")
    if event.at("is_error") is True:
        return done.then(failure(said or event.text("subtype")))
    if "limit reached|" in said:  # some versions call this a success
        return done.then(Reading(error=said, rate_limit=find_rate_limit(said)))
    return done.then(Reading(text=said or None))


CLAUDE = Cli(name="claude", command=_COMMAND, resume=(*_COMMAND, "--resume", "{session}"), reader=reads_events(read))
