"""`tt backlog add`."""

from __future__ import annotations

import click

from tinytown.cli.render.text import plain
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.text import read_text
from tinytown.domain.ids import short


@click.command()
@click.argument("text")
@click.option(
    "--tag", "tags", metavar="TAG", multiple=True, help="role:NAME, a role or an agent says whom it is for; repeatable."
)
@json_option
@pass_session
def add(session: Session, /, *, text: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Add a task in your own words; - reads them from standard input."""
    town = session.town
    task = town.backlog.add(read_text(text), tags)
    town.ensure_host()
    if as_json:
        session.show_json({"task_id": task.id, "description": task.spec.instructions, "tags": list(task.spec.tags)})
    else:
        session.show([f"📥 Task {short(task.id)} is in the backlog: {plain(task.spec.title)}"])
        session.show([f"   its result: tt task show {short(task.id)}"])
