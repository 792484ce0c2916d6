"""`tt history`."""

from __future__ import annotations

import click

from tinytown.cli.render.history import history_record, history_table
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.argument("agent", required=False)
@click.option("-n", "--lines", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many tasks.")
@json_option
@pass_session
def history(session: Session, /, *, agent: str | None, lines: int, as_json: bool) -> None:
    """Show the tasks that have ended, of one agent or of all: the last first, for a month."""
    pairs = session.town.tasks.history(agent=agent, limit=lines)
    if as_json:
        records = [history_record(task, owner.name if owner else None) for task, owner in pairs]
        session.show_json({"tasks": records, "count": len(records)})
        return
    session.show(
        [f"📜 Ended: {len(pairs)}", *(history_table(pairs, session.town.clock()) or ["   nothing has ended yet"])]
    )
