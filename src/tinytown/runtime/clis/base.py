"""What a CLI adapter is: how to start the CLI, hand over the prompt, and understand what it prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Protocol

import msgspec

from tinytown.runtime.clis.rate_limit import RateLimit
from tinytown.runtime.usage import Usage

ARGUMENT_LIMIT = 100_000
"""Bytes of a prompt given as an argument; Linux takes 131,071 in one."""

_PLACEHOLDER = re.compile(r"\{(?:prompt_file|prompt|session)\}")


class PromptBy(Enum):
    """How a CLI takes its prompt."""

    STDIN = "stdin"
    FILE = "file"
    """The path of a file takes the place of `{prompt_file}`."""
    ARGUMENT = "argument"
    """The prompt takes the place of `{prompt}`, as one element of argv; a long one stays in its file."""


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """How to start a CLI once."""

    argv: tuple[str, ...]
    stdin_from_prompt: bool
    """Whether the prompt file's content is its input."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a line of output tells, or all lines so far: readings add up with `then`."""

    session: str | None = None
    """What resumes the conversation."""
    usage: Usage = Usage()
    """What this line adds."""
    rate_limit: RateLimit | None = None
    """The CLI says that it is rate limited. Ask only when the run did not succeed: it may have waited by itself."""
    text: str | None = None
    """What the agent said last."""
    error: str | None = None
    """What went wrong last; a run that went on may have overcome it."""

    def then(self, later: Reading) -> Reading:
        """Both together: usage adds up, of the rest the later word counts."""
        return Reading(
            session=later.session or self.session,
            usage=self.usage + later.usage,
            rate_limit=later.rate_limit or self.rate_limit,
            text=later.text or self.text,
            error=later.error or self.error,
        )


NOTHING = Reading()


class Adapter(Protocol):
    """An agent CLI."""

    @property
    def name(self) -> str:
        """What people call it, e.g. in `--cli`."""
        ...

    @property
    def program(self) -> str:
        """The executable that must be on PATH."""
        ...

    def launch(self, prompt_file: Path, session: str | None = None) -> Invocation:
        """How to start it; `session` resumes an earlier run's conversation where the CLI can, else it is ignored."""
        ...

    def read(self, line: bytes) -> Reading:
        """What a line of its output tells; a line that makes no sense tells nothing."""
        ...


class Cli(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter made of data: the command lines and a reader of lines."""

    name: str
    command: tuple[str, ...]
    """argv of a new conversation, with placeholders."""
    resume: tuple[str, ...] = ()
    """argv that goes on with `{session}`; empty when the CLI cannot."""
    prompt: PromptBy = PromptBy.STDIN
    reader: Callable[[bytes], Reading]

    @property
    def program(self) -> str:
        """The executable that must be on PATH."""
        return self.command[0]

    def launch(self, prompt_file: Path, session: str | None = None) -> Invocation:
        """How to start it; `session` resumes an earlier run's conversation where the CLI can, else it is ignored."""
        words = {"{prompt_file}": str(prompt_file), "{session}": session or ""}
        if self.prompt is PromptBy.ARGUMENT:
            words["{prompt}"] = _as_argument(prompt_file)
        template = self.resume if session and self.resume else self.command
        # one pass: a prompt that happens to contain a placeholder stays as it is
        argv = tuple(_PLACEHOLDER.sub(lambda found: words.get(found[0], found[0]), part) for part in template)
        return Invocation(argv=argv, stdin_from_prompt=self.prompt is PromptBy.STDIN)

    def read(self, line: bytes) -> Reading:
        """What a line of its output tells; a line that makes no sense tells nothing."""
        return self.reader(line)


def _as_argument(prompt_file: Path) -> str:
    """The prompt, or, when it cannot be one argument (too long, a NUL, looks like an option), where to find it."""
    data = prompt_file.read_bytes()
    if len(data) > ARGUMENT_LIMIT or b"\0" in data or data.startswith(b"-"):
        return f"Read your instructions in {prompt_file} and follow them."
    return data.decode("utf-8", "replace")
