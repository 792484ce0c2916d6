"""`tt mission merge`."""

from __future__ import annotations

import click

from tinytown.cli.logs import configure_logs
from tinytown.cli.render.mission_record import item_record
from tinytown.cli.render.missions import item_title
from tinytown.cli.render.text import plain
from tinytown.cli.render.town import NO_DISPATCHER
from tinytown.cli.session import Session, json_option, pass_session


@click.command()
@click.argument("item")
@click.option("--run", metavar="ID", help="Which mission; not needed when only one has the item.")
@json_option
@pass_session
def merge(session: Session, /, *, item: str, run: str | None, as_json: bool) -> int:
    """Merge an item that is ready; checks, review and mergeability are looked at anew before."""
    town = session.town
    mission_id = town.missions.find_with_item(item, run)
    wanted = town.missions.merge(mission_id, item)
    configure_logs(is_quiet=True)
    dispatcher = town.dispatcher()
    try:
        is_ours = dispatcher.step(mission_id)
    finally:
        dispatcher.leave()
    found = town.missions.why(mission_id, wanted.id)
    merged_as = found.item.pull.merged_as if found.item.pull else None
    if as_json:
        status = "merged" if merged_as else "wanted"
        session.show_json({"status": status, "work_item": item_record(found.item), "reasons": found.reasons})
    elif merged_as:
        session.show([f"🎉 {item_title(found.item)} is merged as {merged_as[:10]}"])
    else:
        whose = "" if is_ours else " (a dispatcher is at it)"
        if not any(one.is_alive for one in town.insights.dispatchers()):
            session.warn([NO_DISPATCHER])
        session.show(
            [f"⏳ {item_title(found.item)} is not merged yet{whose}:", *(f"   {plain(r)}" for r in found.reasons)]
        )
    return 0
