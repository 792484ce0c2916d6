"""Carrying out a person's command on a mission, and saying what became of it."""

from __future__ import annotations

from collections.abc import Callable

from tinytown.cli.render.missions import state_of
from tinytown.cli.render.town import NO_DISPATCHER
from tinytown.cli.session import Session
from tinytown.domain.ids import short


def direct(session: Session, run: str | None, act: Callable[[str], str], *, as_json: bool) -> None:
    """Do something to the mission `run` (without one, the active mission) and show its state before and after.

    Args:
        session: the call.
        run: a mission's id or the beginning of one.
        act: does it to the mission of that id and returns what was done, in a few words.
        as_json: print JSON.
    """
    town = session.town
    mission_id = town.missions.find(run)
    before = town.mission_store.records([mission_id])[0]
    done = act(mission_id)
    after = town.mission_store.records([mission_id])[0]
    if as_json:
        states = {"previous_state": before.state.value, "new_state": after.state.value, "is_paused": after.is_paused}
        session.show_json({"mission_id": mission_id, "status": done, **states})
        return
    session.show([f"Mission {short(mission_id)}: {done}; it is {state_of(after)}"])
    if after.is_active and not any(dispatcher.is_alive for dispatcher in town.insights.dispatchers()):
        session.warn([NO_DISPATCHER])
