"""Following a mission while this process dispatches it: a board that redraws in a terminal, a line an event elsewhere.

The dispatcher has the main thread, where signals arrive, and never waits for a drawing; what is drawn is read by a thread
of its own on a connection of its own.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

import click

from tinytown.bootstrap import Town
from tinytown.cli.interruption import Interruption
from tinytown.cli.render.missions import state_of
from tinytown.cli.render.text import plain
from tinytown.cli.session import Session
from tinytown.domain.errors import StoreUnavailableError
from tinytown.domain.event import Event
from tinytown.domain.ids import short
from tinytown.domain.mission import Mission, MissionState
from tinytown.services.missions import MissionView

EXIT_COMPLETED = 0
EXIT_NOT_COMPLETED = 1
EXIT_INTERRUPTED = 130

DRAW_SECS = 0.1
"""Least time between two drawings."""
IDLE_SECS = 0.25
"""Times go on and what turns turns this often while nothing happens."""
OUTAGE_PAUSE_SECS = 1.0
"""How soon a store that did not answer is asked again."""
REREAD_SECS = 5.0
"""The safety net: the mission is read again this often whatever events said."""
_SHARE = 5
"""Reading and drawing takes at most about one part in so many of the time: a big mission is drawn less often."""

PATIENCE = timedelta(seconds=3)
"""How long a mission may be blocked before that is worth a line."""

Seen: TypeAlias = Callable[[MissionView, datetime], None]


def follow(session: Session, mission_id: str) -> int:
    """Dispatch until the mission has ended or is stopped, showing how it goes.

    Returns:
        The exit code: 0 completed, 1 failed or stopped, 130 interrupted (the mission stays as it is).
    """
    mission, is_interrupted = dispatch_visibly(session.town, mission_id, lambda mission: not _goes_on(mission))
    return _farewell(session, mission, is_interrupted=is_interrupted)


def dispatch_visibly(
    town: Town, mission_id: str, is_over: Callable[[Mission], bool], on_view: Seen | None = None
) -> tuple[Mission, bool]:
    """Dispatch the town's missions until `is_over` is true of this one, or until SIGINT or SIGTERM, and show this one.

    Args:
        town: the town as this thread uses it; the main thread.
        mission_id: whole id.
        is_over: asked after each tick of the dispatcher.
        on_view: called in another thread with what is drawn, and when.

    Returns:
        The mission as it is then, and whether a signal was the reason.
    """
    interruption = Interruption()

    def mission() -> Mission:
        return town.mission_store.records([mission_id])[0]

    with _face() as face:
        drawer = _Drawer(Town(town.settings, town.environ, town.clock), mission_id, face, on_view)
        state = [mission()]

        def look() -> None:
            state[0] = mission()

        with interruption.listen(), _drawing(drawer) as drawing:
            town.dispatcher().loop(
                lambda: interruption.is_asked or drawing.done() or is_over(state[0]), look, interruption
            )
        with suppress(StoreUnavailableError):  # then it is shown as it was last
            drawer.finish()
            look()
    return state[0], interruption.is_asked


class _Face(Protocol):
    """How a mission is shown."""

    def tell(self, event: Event) -> None:
        """Show that something happened."""

    def draw(self, view: MissionView, now: datetime) -> None:
        """Show how things are."""


class _Lines:
    """A line an event: for files, pipes and terminals that cannot redraw."""

    def __init__(self) -> None:
        self._told = ""
        self._blocked_since: datetime | None = None

    def tell(self, event: Event) -> None:
        """Print the event, unless it says that the mission waits or goes on: it does that with every check."""
        if event.type not in {"mission.blocked", "mission.running"}:
            click.echo(f"{event.at:%H:%M:%S}  {plain(event.text)}")

    def draw(self, view: MissionView, now: datetime) -> None:
        """Print what the mission waits for once it has waited for a while."""
        mission = view.mission
        if mission.state is not MissionState.BLOCKED:
            self._blocked_since = None
            return
        self._blocked_since = self._blocked_since or now
        reason = plain(mission.blocked_reason or "")
        if now - self._blocked_since >= PATIENCE and reason != self._told:
            click.echo(f"{now:%H:%M:%S}  waits: {reason}")
            self._told = reason


class _Drawer:
    """Reads the mission and shows it. Used by one thread at a time."""

    def __init__(self, town: Town, mission_id: str, face: _Face, on_view: Seen | None) -> None:
        self._town = town
        self._id = mission_id
        self._face = face
        self._on_view = on_view
        self._stream = town.events()  # from here on no event is missed
        self._view = town.missions.view(mission_id)
        self._read_at = time.monotonic()

    def run(self, is_done: threading.Event) -> None:
        """Show the mission until `is_done`; while the store is away, which the dispatcher tells, nothing new is shown."""
        is_news = True
        while not is_done.is_set():
            try:
                is_news = self._round(is_news=is_news)
            except StoreUnavailableError:
                is_done.wait(OUTAGE_PAUSE_SECS)
                is_news = True

    def _round(self, *, is_news: bool) -> bool:
        started = time.monotonic()
        self._show(is_news=is_news)
        pause_secs = max(DRAW_SECS, _SHARE * (time.monotonic() - started))
        return self._wait(started + pause_secs)

    def finish(self) -> None:
        """Show what is still to be shown, and how it is at last."""
        while self._tell(0):
            pass
        self._show(is_news=True)

    def _show(self, *, is_news: bool) -> None:
        if is_news or time.monotonic() - self._read_at > REREAD_SECS:
            self._view = self._town.missions.view(self._id)
            self._read_at = time.monotonic()
        now = self._town.clock()
        self._face.draw(self._view, now)
        if self._on_view is not None:
            self._on_view(self._view, now)

    def _wait(self, not_before: float) -> bool:
        """Wait for news, but for so long only that times go on; whether there are any."""
        is_news = self._tell(IDLE_SECS)
        while (left_secs := not_before - time.monotonic()) > 0:  # a burst of events is one drawing
            is_news |= self._tell(left_secs)
        return is_news

    def _tell(self, timeout_secs: float) -> bool:
        events = self._stream.wait(timeout_secs)
        for event in events:
            if event.mission_id == self._id and event.text and not event.type.startswith("message."):
                self._face.tell(event)
        return bool(events)


@contextmanager
def _drawing(drawer: _Drawer) -> Iterator[Future[None]]:
    """Draw in a thread for as long as the block runs; what went wrong there is raised at its end."""
    is_done = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="board") as pool:
        drawing = pool.submit(drawer.run, is_done)
        try:
            yield drawing
        finally:
            is_done.set()
        drawing.result()


@contextmanager
def _face() -> Iterator[_Face]:
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from tinytown.cli.screen import screen  # rich: only where something is drawn

        with screen() as face:
            yield face
    else:
        yield _Lines()


def _goes_on(mission: Mission) -> bool:
    return mission.is_active and not mission.is_paused


def _farewell(session: Session, mission: Mission, *, is_interrupted: bool) -> int:
    run = short(mission.id)
    if mission.state is MissionState.COMPLETED:
        session.show([f"🏁 Mission {run} is completed"])
        return EXIT_COMPLETED
    if is_interrupted and _goes_on(mission):
        session.show([f"Mission {run} is {state_of(mission)} and stays so; go on with: tt mission dispatch"])
        return EXIT_INTERRUPTED
    reason = f": {mission.blocked_reason}" if mission.blocked_reason else ""
    advice = f"; go on with: tt mission resume {run}, then tt mission dispatch" if mission.is_active else ""
    session.show([f"Mission {run} is {state_of(mission)}{reason}{advice}"])
    return EXIT_NOT_COMPLETED
