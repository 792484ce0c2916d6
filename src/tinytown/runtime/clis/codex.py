"""OpenAI Codex, `codex exec`. Flags and events: github.com/openai/codex, docs/exec.md and exec_events.rs."""

from __future__ import annotations

from tinytown.runtime.clis.base import NOTHING, Cli, Reading
from tinytown.runtime.clis.lines import Event, failure, reads_events
from tinytown.runtime.usage import Usage

_EVERYTHING = ("--json", "--dangerously-bypass-approvals-and-sandbox")


def read(event: Event) -> Reading:
    """Session id first, then items; tokens at the end of the turn. Cached tokens are part of `input_tokens`."""
    match event.text("type"):
        case "thread.started":
            return Reading(session=event.session("thread_id"))
        case "item.completed" if event.text("item", "type") == "agent_message":
            return Reading(text=event.text("item", "text") or None)
        case "turn.completed":
            tokens_in, tokens_out = event.count("usage", "input_tokens"), event.count("usage", "output_tokens")
            return Reading(usage=Usage(tokens_in=tokens_in, tokens_out=tokens_out))
        case "turn.failed":
            return failure(event.message("error"))
        case "error":
            return failure(event.message("message") or event.message("error"))
        case _:
            return NOTHING


def codex(name: str, *options: str) -> Cli:
    """The adapter for codex with further options; `-` reads the prompt from stdin."""
    return Cli(
        name=name,
        command=("codex", "exec", *_EVERYTHING, *options, "-"),
        resume=("codex", "exec", "resume", *_EVERYTHING, *options, "{session}", "-"),
        reader=reads_events(read),
    )


CODEX = codex("codex")
