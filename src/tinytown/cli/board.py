"""Following a mission in the terminal while this process dispatches it."""

from __future__ import annotations

from tinytown.bootstrap import Town
from tinytown.cli.interruption import Interruption
from tinytown.cli.render.missions import event_line, state_of
from tinytown.cli.session import Session
from tinytown.domain.ids import short
from tinytown.domain.mission import Mission, MissionEvent, MissionState

EXIT_COMPLETED = 0
EXIT_NOT_COMPLETED = 1
EXIT_INTERRUPTED = 130


def follow(session: Session, mission_id: str) -> int:
    """Dispatch until the mission has ended or is stopped, printing each of its events as it comes.

    Returns:
        The exit code: 0 completed, 1 failed or stopped, 130 interrupted (the mission stays as it is).
    """
    town, interruption = session.town, Interruption()
    progress = _Progress(town, mission_id)

    def show_news() -> None:
        session.show(event_line(event) for event in progress.news())

    def is_over() -> bool:
        return interruption.is_asked or not _goes_on(progress.mission)

    with interruption.listen():
        town.dispatcher().loop(is_over, show_news, interruption)
    show_news()
    return _farewell(session, progress.mission, is_interrupted=interruption.is_asked)


class _Progress:
    """A mission as it goes on."""

    def __init__(self, town: Town, mission_id: str) -> None:
        self._town = town
        self._id = mission_id
        self._shown: MissionEvent | None = None
        self.mission = self._read()

    def news(self) -> list[MissionEvent]:
        """Events since the last call, oldest first; the mission is read anew."""
        self.mission = self._read()
        events = self._town.mission_store.events(self._id)
        new = events[events.index(self._shown) + 1 :] if self._shown in events else events
        self._shown = events[-1] if events else None
        return new

    def _read(self) -> Mission:
        return self._town.mission_store.records([self._id])[0]


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
