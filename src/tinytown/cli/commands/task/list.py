"""`tt task list`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tinytown.cli.render.backlog import backlog_hint
from tinytown.cli.render.tasks import task_record, task_table
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.agent import Agent
from tinytown.domain.task import Task, TaskState


@click.command("list")
@click.option("--agent", metavar="A", help="Only those of this agent.")
@click.option("--all", "is_all", is_flag=True, help="Also those that have ended, for a month; newest first.")
@click.option("--state", type=click.Choice([s.value for s in TaskState]), help="Only those; also ended ones.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="With --all or --state.")
@json_option
@pass_session
def list_tasks(
    session: Session, /, *, agent: str | None, is_all: bool, state: str | None, limit: int, as_json: bool
) -> None:
    """List the open tasks of agents, oldest first; those that nobody has yet are in the backlog."""
    tasks = session.town.tasks
    if is_all or state is not None:
        wanted = None if state is None else TaskState(state)
        _show(session, tasks.recent(agent=agent, state=wanted, limit=limit), state or "", as_json=as_json)
    else:
        waiting = session.town.backlog.count() if agent is None else None
        _show(session, tasks.open(agent), "open", as_json=as_json, waiting=waiting)


def _show(
    session: Session,
    pairs: Sequence[tuple[Task, Agent | None]],
    which: str,
    *,
    as_json: bool,
    waiting: int | None = None,
) -> None:
    if as_json:
        records = [task_record(task, owner.name if owner else None) for task, owner in pairs]
        more = {} if waiting is None else {"backlog_count": waiting}
        session.show_json({"tasks": records, "count": len(records), **more})
        return
    what = "open tasks of agents" if which == "open" else f"{which} tasks".strip()
    session.show([f"📋 {what.capitalize()}: {len(pairs)}", *task_table(pairs), *backlog_hint(waiting or 0)])
