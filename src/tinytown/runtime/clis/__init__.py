"""Agent CLIs, one small file each. Adding one is adding a file and a line here, or a table `[agent_clis.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tinytown.domain.errors import InvalidInputError
from tinytown.runtime.clis.aider import AIDER
from tinytown.runtime.clis.auggie import AUGGIE
from tinytown.runtime.clis.base import Adapter, Cli, Invocation, PromptBy, Reading
from tinytown.runtime.clis.claude import CLAUDE
from tinytown.runtime.clis.codex import CODEX
from tinytown.runtime.clis.codex_mini import CODEX_MINI
from tinytown.runtime.clis.configured import configured
from tinytown.runtime.clis.copilot import COPILOT
from tinytown.runtime.clis.cursor import CURSOR
from tinytown.runtime.clis.demo import DEMO
from tinytown.runtime.clis.gemini import GEMINI
from tinytown.runtime.clis.opencode import OPENCODE
from tinytown.runtime.clis.rate_limit import RateLimit

__all__ = ["BUILT_IN", "Adapter", "Cli", "Invocation", "PromptBy", "RateLimit", "Reading", "adapter", "known"]

BUILT_IN: Mapping[str, Adapter] = MappingProxyType(
    {cli.name: cli for cli in (CLAUDE, AUGGIE, CODEX, CODEX_MINI, GEMINI, AIDER, COPILOT, CURSOR, OPENCODE, DEMO)}
)

Tables = Mapping[str, Mapping[str, object]]
"""The `[agent_clis.*]` tables of the configuration."""


def known(tables: Tables = MappingProxyType({})) -> tuple[str, ...]:
    """The names of all CLIs there are."""
    return (*BUILT_IN, *(name for name in tables if name not in BUILT_IN))


def adapter(name: str, tables: Tables = MappingProxyType({})) -> Adapter:
    """The adapter for a CLI; a table of the configuration wins over a built-in one of its name.

    Raises:
        InvalidInputError: there is no such CLI. ConfigError: its table cannot be used.
    """
    if name in tables:
        return configured(name, tables[name])
    if name in BUILT_IN:
        return BUILT_IN[name]
    import difflib  # for a misspelt name only: it would slow down every command

    names = known(tables)
    close = difflib.get_close_matches(name.lower(), names, n=1)
    meant = f"; did you mean '{close[0]}'?" if close else "."
    raise InvalidInputError(f"no agent CLI '{name}'{meant} Known: {', '.join(names)}")
