"""`tt host`: what `tt spawn` starts in the background."""

from __future__ import annotations

import click

from tinytown.cli.hosting import serve
from tinytown.cli.logs import configure_logs
from tinytown.cli.session import Session, pass_session
from tinytown.runtime.launcher import host_lock


@click.command(hidden=True)
@click.option("--lock", type=int, hidden=True, help="Descriptor of the lock, taken by whoever started this.")
@pass_session
def host(session: Session, /, *, lock: int | None) -> None:
    """Run the agents of this machine."""
    configure_logs()
    with host_lock(session.town.state, inherited=lock) as is_ours:
        if is_ours:
            serve(session.town)
        else:
            session.warn(["another process is this machine's host already"])
