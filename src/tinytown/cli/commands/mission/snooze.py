"""`tt mission snooze`."""

from __future__ import annotations

import click

from tinytown.cli.render.mission_record import watch_record
from tinytown.cli.render.watches import watch_name
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.domain.ids import short
from tinytown.domain.watch import SNOOZE_LEAST_SECS, SNOOZE_MOST_SECS


@click.command()
@click.argument("watch")
@click.argument("secs", type=click.IntRange(SNOOZE_LEAST_SECS, SNOOZE_MOST_SECS))
@click.option("--run", metavar="ID", help="Which mission; not needed when only one has the watch.")
@json_option
@pass_session
def snooze(session: Session, /, *, watch: str, secs: int, run: str | None, as_json: bool) -> None:
    """Leave a pull request alone for SECS seconds, at least 60; ids of watches: tt mission status --json."""
    missions = session.town.missions
    found = missions.snooze(missions.find_with_watch(watch, run), watch, secs)
    if as_json:
        session.show_json({"status": "snoozed", "watch": watch_record(found)})
    else:
        session.show([f"💤 {watch_name(found)} (watch {short(found.id)}) is left alone for {secs}s"])
