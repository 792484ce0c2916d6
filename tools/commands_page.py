"""docs/reference/commands.md: the help of every command, as the commands print it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tinytown.cli.app import tt
from tinytown.serving.main import townhall

WIDTH = 100
"""Columns, whatever the terminal has."""

_HEAD = """\
# Commands

What `--help` prints. Exit codes: 0 done, 1 expected failure, 2 usage or settings, 3 a bug (a report file is named), 130
interrupted, 141 nobody reads the output any more (as in `tt status | head -1`). Answers go to stdout, everything else
to stderr.
"""


def render() -> str:
    """The page."""
    return "\n".join((_HEAD, *(_section(ctx) for ctx in (*contexts(tt, "tt"), *contexts(townhall, "townhall")))))


def contexts(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[click.Context]:
    """A context for the command and for each command under it that is not hidden."""
    ctx = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
    yield ctx
    if isinstance(command, click.Group):
        for inner_name in command.list_commands(ctx):
            inner = command.get_command(ctx, inner_name)
            if inner is not None and not inner.hidden:
                yield from contexts(inner, inner_name, ctx)


def _section(ctx: click.Context) -> str:
    return f"## {ctx.command_path}\n\n```text\n{ctx.get_help()}\n```\n"
