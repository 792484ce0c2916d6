"""`tt events`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from threading import Event as Pause

import click

from tinytown.cli.interruption import Interruption
from tinytown.cli.render.events import event_json, event_line
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.errors import StoreUnavailableError
from tinytown.domain.event import EVERYTHING, Event, EventFilter
from tinytown.services.following import Follower
from tinytown.services.journal import EventSeen, Recent, seen

WAIT_SECS = 30.0
AWAY_SECS = 1.0
"""Between two tries while the store is away."""
_NONE_YET = "nothing has happened yet"
_NONE_FITS = "no event that is kept fits; for all of them: tt events"


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on showing what comes, until Ctrl-C.")
@click.option("-n", "--lines", type=click.IntRange(0, 10_000), default=50, show_default=True, help="How many events.")
@click.option("--mission", metavar="ID", help="Only those of this mission.")
@click.option("--agent", metavar="A", help="Only those of this agent, or of the conductor.")
@click.option(
    "--type", "prefix", metavar="PREFIX", default="", help="Only those whose type begins so: task, agent.idle."
)
@json_option
@pass_session
def events(
    session: Session,
    /,
    *,
    follow: bool,
    lines: int,
    mission: str | None,
    agent: str | None,
    prefix: str,
    as_json: bool,
) -> None:
    """Show what happened in the town, oldest first; with --json a line of JSON an event."""
    town = session.town
    wanted = town.journal.wanted(mission=mission, agent=agent, type_prefix=prefix)

    def line(event: EventSeen) -> str:
        return event_json(event) if as_json else event_line(event, town.clock())

    def show_recent() -> Recent:
        recent = town.journal.recent(lines, wanted)
        names = town.journal.names(recent) if recent.events else {}
        session.show(line(seen(event, names)) for event in recent.events)
        return recent

    if not follow:
        if not show_recent().events and lines:
            session.warn([_NONE_YET if wanted == EVERYTHING else _NONE_FITS])
        return
    interruption = Interruption()
    with interruption.listen(), closing(town.follower(show_recent().position)) as follower:
        _follow(session, follower, wanted, line, interruption)


def _follow(
    session: Session,
    follower: Follower,
    wanted: EventFilter,
    line: Callable[[EventSeen], str],
    interruption: Interruption,
) -> None:
    """Show what comes until SIGINT or SIGTERM; while the store is away, wait for it."""
    is_away, pause = False, Pause()
    while not interruption.is_asked:
        found: Iterable[Event] = ()
        with interruption:
            try:
                found, is_away = follower.wait(WAIT_SECS), False
            except StoreUnavailableError as error:
                if not is_away:
                    session.warn([f"{error.message}; going on when it is back"])
                is_away = True
                pause.wait(AWAY_SECS)
        session.show(line(seen(event, follower.names)) for event in found if wanted.fits(event))
