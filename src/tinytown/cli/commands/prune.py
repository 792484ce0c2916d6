"""`tt prune`."""

from __future__ import annotations

import click

from tinytown.cli.render.agent_life import pruned_lines, pruned_record
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.option(
    "--all",
    "is_all",
    is_flag=True,
    help="Also those with unfinished work, which goes elsewhere, and those whose host has been away for a day.",
)
@json_option
@pass_session
def prune(session: Session, /, *, is_all: bool, as_json: bool) -> None:
    """Take agents that are stopped or in error off the list; their names are free again.

    Those with unfinished work are kept. With --all their tasks go to the backlog, tasks of missions back to the
    missions, and messages to your inbox.
    """
    pruned = session.town.agents.prune(is_all=is_all)
    if as_json:
        session.show_json(pruned_record(pruned))
    else:
        session.show(pruned_lines(pruned))
