"""`tt mission note`."""

from __future__ import annotations

import click

from tinytown.cli.directed import direct
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.cli.text import read_text


@click.command()
@click.argument("run")
@click.argument("text")
@json_option
@pass_session
def note(session: Session, /, *, run: str, text: str, as_json: bool) -> None:
    """Tell a mission something; - reads it from standard input.

    `resume` or `retry`, `pause` or `hold`, and `redirect [ITEM] to AGENT [reason]` are carried out; anything else is
    handed to the agents with their next prompts.
    """
    words = read_text(text)
    direct(session, run, lambda mission_id: session.town.missions.note(mission_id, words), as_json=as_json)
