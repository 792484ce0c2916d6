"""`tt github …`."""

from __future__ import annotations

import click

from tinytown.cli.lazy import LazyGroup

_HERE = "tinytown.cli.commands.github"


@click.group(cls=LazyGroup, places={"webhook": f"{_HERE}.webhook:webhook"})
def github() -> None:
    """What there is for towns on GitHub alone."""
