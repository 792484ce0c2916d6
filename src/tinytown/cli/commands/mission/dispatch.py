"""`tt mission dispatch`."""

from __future__ import annotations

import click

from tinytown.cli.interruption import Interruption
from tinytown.cli.logs import configure_logs
from tinytown.cli.render.text import count
from tinytown.cli.session import Session, pass_session


@click.command()
@click.option("--once", is_flag=True, help="One full look at every active mission, then end.")
@pass_session
def dispatch(session: Session, /, *, once: bool) -> None:
    """Move missions on until Ctrl-C. Any number may run at once, on any number of machines."""
    configure_logs()
    if once:
        due = session.town.dispatch_once()
        session.show([f"looked at {count(len(due.active), 'active mission')}"])
        return
    dispatcher = session.town.dispatcher()
    session.warn(["🛰️  Dispatching; Ctrl-C ends it, missions and agents stay as they are"])
    interruption = Interruption()
    with interruption.listen():
        dispatcher.loop(lambda: interruption.is_asked, waiting=interruption)
    session.warn(["the dispatcher has ended; go on with: tt mission dispatch"])
