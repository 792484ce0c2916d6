"""A picture of the board as SVG, drawn by the program itself."""

from __future__ import annotations

import io
import re
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from tinytown.cli.render.board import board
from tinytown.domain.agent import AgentState
from tinytown.domain.errors import ConfigError
from tinytown.domain.workitem import Verdict, WorkItem, WorkStatus
from tinytown.services.missions import MissionView

_WIDTH = 96
_FONT_FACE = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


class Picture:
    """Remembers the board as it was while a failed check was mended, else as it was last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._best: tuple[MissionView, datetime] | None = None

    def see(self, view: MissionView, now: datetime) -> None:
        """Look at the board; called with each drawing."""
        if self._best is None or _is_telling(view) or not _is_telling(self._best[0]):
            self._best = view, now

    def save(self) -> None:
        """Write the picture.

        Raises:
            ConfigError: the file cannot be written.
        """
        if self._best is None:
            return
        view, now = self._best
        try:
            self._path.write_text(svg(view, now), "utf-8")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"cannot write {self._path}: {reason}; choose another file") from error


def svg(view: MissionView, now: datetime) -> str:
    """The board as an SVG document without references to anything outside."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), color_system="truecolor", legacy_windows=False)
    console.print(board(view, now, width=_WIDTH))
    text = console.export_svg(title="tt demo", theme=_THEME, unique_id="board")
    return _FONT_FACE.sub("", text).replace("Fira Code, monospace", _FONTS)  # fonts are the reader's own


def _is_telling(view: MissionView) -> bool:
    return any(_is_mended(item) and _is_at_work(view, item) for item in view.items)


def _is_mended(item: WorkItem) -> bool:
    has_failed = item.pull is not None and item.pull.checks is Verdict.FAILED
    return has_failed and item.status is WorkStatus.RUNNING


def _is_at_work(view: MissionView, item: WorkItem) -> bool:
    """Whether its agent is seen working, too: agents are read a moment after items."""
    agent = view.agents.get(item.assigned_to or "")
    return agent is not None and agent.state is AgentState.WORKING


_THEME = TerminalTheme(
    (22, 27, 34),
    (201, 209, 217),
    [
        (72, 79, 88),
        (255, 123, 114),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (177, 186, 196),
    ],
    [
        (110, 118, 129),
        (255, 161, 152),
        (126, 231, 135),
        (242, 204, 96),
        (165, 214, 255),
        (226, 197, 255),
        (179, 240, 255),
        (240, 246, 252),
    ],
)
