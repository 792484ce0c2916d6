"""`tt auth …`: who is let in by townhall."""

from __future__ import annotations

import click

from tinytown.cli.lazy import LazyGroup

_HERE = "tinytown.cli.commands.auth"


@click.group(
    cls=LazyGroup,
    places={
        "gen-key": f"{_HERE}.gen_key:gen_key",
        "list": f"{_HERE}.list:list_keys",
    },
)
def auth() -> None:
    """Make and list the keys that townhall lets in."""
