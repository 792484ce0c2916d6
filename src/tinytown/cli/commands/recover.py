"""`tt recover`."""

from __future__ import annotations

import click

from tinytown.cli.render.agent_life import recovered_lines, recovered_record
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@json_option
@pass_session
def recover(session: Session, /, *, as_json: bool) -> None:
    """Bring back agents whose host is gone, without waiting for its lease to run out.

    What they were at goes back to their inboxes, and this machine's host is started for its agents.
    """
    recovered = session.town.recovery.recover()
    if as_json:
        session.show_json(recovered_record(recovered))
    else:
        session.show(recovered_lines(recovered))
