"""`tt mission status`."""

from __future__ import annotations

import click

from tinytown.cli.render.mission_record import status_record
from tinytown.cli.render.missions import dispatch_lines, event_lines, mission_lines, work_lines
from tinytown.cli.render.town import dispatcher_record, host_record
from tinytown.cli.render.usage import usage_lines, usage_record
from tinytown.cli.render.watches import watch_lines
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.option("--run", metavar="ID", help="Which mission; not needed when only one is active.")
@click.option("--work", is_flag=True, help="Also the work items, and what each waits for.")
@click.option("--watch", is_flag=True, help="Also what is watched on pull requests.")
@click.option(
    "--dispatcher",
    is_flag=True,
    help="Also dispatchers, hosts, what help was asked for, and what was asked of the forge.",
)
@click.option("--events", is_flag=True, help="Also the last 100 events.")
@json_option
@pass_session
def status(
    session: Session, /, *, run: str | None, work: bool, watch: bool, dispatcher: bool, events: bool, as_json: bool
) -> None:
    """Show a mission."""
    town = session.town
    view = town.missions.view(town.missions.find(run))
    if as_json:
        record = status_record(view)
        if dispatcher:
            record["dispatchers"] = [dispatcher_record(found) for found in town.insights.dispatchers()]
            record["hosts"] = [host_record(found) for found in town.insights.hosts()]
            record["forge"] = usage_record(town.insights.usage(view.mission.id))
        session.show_json(record)
        return
    now = town.clock()
    session.show(mission_lines(view, now))
    if work:
        session.show(work_lines(view))
    if watch:
        session.show(watch_lines(view.watches, {item.id: item for item in view.items}, now))
    if dispatcher:
        session.show(dispatch_lines(view.mission, town.insights.dispatchers(), town.insights.hosts(), now))
        session.show(usage_lines(town.insights.usage(view.mission.id)))
    if events:
        session.show(event_lines(view.events))
