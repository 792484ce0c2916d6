"""`tt task …`: what agents report with, and people look with."""

from __future__ import annotations

import click

from tinytown.cli.lazy import LazyGroup

_HERE = "tinytown.cli.commands.task"


@click.group(
    cls=LazyGroup,
    places={
        "complete": f"{_HERE}.complete:complete",
        "fail": f"{_HERE}.fail:fail",
        "approve": f"{_HERE}.approve:approve",
        "reject": f"{_HERE}.reject:reject",
        "show": f"{_HERE}.show:show",
        "current": f"{_HERE}.current:current",
        "list": f"{_HERE}.list:list_tasks",
    },
)
def task() -> None:
    """Report on tasks, and look at them. Without an ID, an agent's own task is meant."""
