"""The board of a mission in a terminal, redrawn in its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.live import Live

from tinytown.cli.render.board import board
from tinytown.domain.event import Event
from tinytown.services.missions import MissionView


class Screen:
    """Draws the board; the last drawing stays."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def tell(self, event: Event) -> None:
        """Nothing: the board shows the last events."""

    def draw(self, view: MissionView, now: datetime) -> None:
        """Draw the board as large as the terminal is now."""
        size = self._live.console.size
        # a line less than there are: writing the last one would scroll
        self._live.update(board(view, now, width=size.width, height=size.height - 1), refresh=True)


@contextmanager
def screen() -> Iterator[Screen]:
    """The terminal's screen for as long as the block runs."""
    with Live(console=Console(), auto_refresh=False, vertical_overflow="crop") as live:
        yield Screen(live)
