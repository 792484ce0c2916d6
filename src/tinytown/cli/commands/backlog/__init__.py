"""`tt backlog …`: tasks for whoever has time."""

from __future__ import annotations

import click

from tinytown.cli.lazy import LazyGroup

_HERE = "tinytown.cli.commands.backlog"


@click.group(
    cls=LazyGroup,
    places={
        "add": f"{_HERE}.add:add",
        "list": f"{_HERE}.list:list_backlog",
        "claim": f"{_HERE}.claim:claim",
        "assign-all": f"{_HERE}.assign_all:assign_all",
        "remove": f"{_HERE}.remove:remove",
    },
)
def backlog() -> None:
    """Tasks that nobody has yet: idle agents take them by themselves, the oldest that fits first."""
