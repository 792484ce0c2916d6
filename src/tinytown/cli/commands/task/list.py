"""`tt task list`."""

from __future__ import annotations

import click

from tinytown.cli.render.tasks import task_record, task_table
from tinytown.cli.session import Session, json_option, pass_session


@click.command("list")
@click.option("--agent", metavar="A", help="Only those of this agent.")
@json_option
@pass_session
def list_tasks(session: Session, /, *, agent: str | None, as_json: bool) -> None:
    """List the open tasks, oldest first."""
    pairs = session.town.tasks.open(agent)
    if as_json:
        records = [task_record(task, owner.name) for task, owner in pairs]
        session.show_json({"tasks": records, "count": len(records)})
    else:
        session.show([f"📋 Open tasks: {len(pairs)}", *task_table(pairs)])
