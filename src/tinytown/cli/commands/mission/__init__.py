"""`tt mission …`."""

from __future__ import annotations

import click

from tinytown.cli.lazy import LazyGroup

_HERE = "tinytown.cli.commands.mission"


@click.group(
    cls=LazyGroup,
    places={
        "start": f"{_HERE}.start:start",
        "run": f"{_HERE}.run:run",
        "plan": f"{_HERE}.plan:plan",
        "dispatch": f"{_HERE}.dispatch:dispatch",
        "status": f"{_HERE}.status:status",
        "list": f"{_HERE}.list:list_missions",
        "why": f"{_HERE}.why:why",
        "approve": f"{_HERE}.approve:approve",
        "reject": f"{_HERE}.reject:reject",
        "merge": f"{_HERE}.merge:merge",
        "snooze": f"{_HERE}.snooze:snooze",
        "note": f"{_HERE}.note:note",
        "stop": f"{_HERE}.stop:stop",
        "resume": f"{_HERE}.resume:resume",
        "delete": f"{_HERE}.delete:delete",
    },
)
def mission() -> None:
    """Turn issues into merged pull requests. Ids may be cut to any beginning that is unambiguous."""
