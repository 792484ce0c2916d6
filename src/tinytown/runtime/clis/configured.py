"""CLIs that a person describes in `[agent_clis.NAME]`.

[agent_clis.mine]
command = ["my-agent", "--prompt-file", "{prompt_file}"]
resume = ["my-agent", "--resume", "{session}", "--prompt-file", "{prompt_file}"]   # optional
prompt = "file"        # or "stdin" (default), or "argument": `{prompt}` as one element, added last when missing
output = "jsonl"       # or "text" (default)
"""

from __future__ import annotations

from collections.abc import Mapping

from tinytown.domain.errors import ConfigError
from tinytown.runtime.clis.base import NOTHING, Cli, PromptBy, Reading
from tinytown.runtime.clis.lines import Event, failure, read_text, reads_events
from tinytown.runtime.usage import Usage

_KEYS = ("command", "resume", "prompt", "output")
_SESSION_NAMES = ("session_id", "sessionID", "sessionId", "thread_id")
_SENT = ("input_tokens", "inputTokens", "prompt_tokens")
_RECEIVED = ("output_tokens", "outputTokens", "completion_tokens")
_COST = ("total_cost_usd", "cost_usd")
_SAID = ("result", "response", "text")


def configured(name: str, table: Mapping[str, object]) -> Cli:
    """The adapter that `[agent_clis.<name>]` describes.

    Raises:
        ConfigError: a key is unknown, missing or of the wrong type.
    """
    where = f"[agent_clis.{name}]"
    if unknown := sorted(set(table) - set(_KEYS)):
        raise ConfigError(f"{where}: unknown key '{unknown[0]}'; it may have {', '.join(_KEYS)}")
    by = _choice(where, table, "prompt", tuple(way.value for way in PromptBy))
    prompt = PromptBy(by)
    output = _choice(where, table, "output", ("text", "jsonl"))
    command = _with_prompt(where, "command", _words(where, table, "command"), prompt)
    resume = _words(where, table, "resume") if "resume" in table else ()
    if resume and not any("{session}" in word for word in resume):
        raise ConfigError(f"{where}: resume must contain {{session}}")
    return Cli(
        name=name,
        command=command,
        resume=_with_prompt(where, "resume", resume, prompt) if resume else (),
        prompt=prompt,
        reader=reads_events(read_any) if output == "jsonl" else read_text,
    )


def read_any(event: Event) -> Reading:
    """The fields that most CLIs use in their events."""
    session = next((found for name in _SESSION_NAMES if (found := event.session(name))), None)
    usage = Usage(
        tokens_in=int(_first(event, "usage", _SENT)),
        tokens_out=int(_first(event, "usage", _RECEIVED)),
        cost_usd=next((cost for name in _COST if (cost := event.number(name))), 0.0),
    )
    reading = Reading(session=session, usage=usage) if session or usage != Usage() else NOTHING
    if event.text("type") == "error" or event.at("is_error") is True or event.at("error"):
        message = event.message("error") or event.message("message") or event.text("result")
        return reading.then(failure(message))
    said = next((text for name in _SAID if (text := event.text(name))), None)
    return reading.then(Reading(text=said)) if said else reading


def _first(event: Event, group: str, names: tuple[str, ...]) -> float:
    return next((found for name in names if (found := event.number(group, name))), 0)


def _words(where: str, table: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = table.get(key)
    if not isinstance(value, list | tuple) or not value or not all(isinstance(word, str) and word for word in value):
        raise ConfigError(f'{where}: {key} must be a list of words, e.g. ["my-agent", "--print"]')
    return tuple(value)


def _choice(where: str, table: Mapping[str, object], key: str, choices: tuple[str, ...]) -> str:
    value = table.get(key, choices[0])
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(f"{where}: {key} must be one of {', '.join(choices)}, not {value!r}")
    return value


def _with_prompt(where: str, key: str, words: tuple[str, ...], prompt: PromptBy) -> tuple[str, ...]:
    if prompt is PromptBy.FILE and not any("{prompt_file}" in word for word in words):
        raise ConfigError(f"{where}: {key} must contain {{prompt_file}} when prompt is 'file'")
    if prompt is PromptBy.ARGUMENT and "{prompt}" not in words:
        return (*words, "{prompt}")
    return words
