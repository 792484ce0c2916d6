"""`tt auth gen-key`."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from tinytown.cli.moment import read_moment
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.config import TOWN_FILE, USER_FILE
from tinytown.domain.access import Scope

_SCOPES = tuple(scope.value for scope in Scope)


@click.command("gen-key")
@click.argument("name", required=False)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(_SCOPES),
    help="What who has the key may do; several times for several. By default town.read.",
)
@click.option("--expires", metavar="WHEN", help="When it ends: 12h, 90d, 4w, 2030-01-31; by default never.")
@click.option("--write", "is_written", is_flag=True, help=f"Add it to {TOWN_FILE}.")
@click.option("--user", "is_personal", is_flag=True, help=f"For all your towns: in ~/{USER_FILE}, not in {TOWN_FILE}.")
@json_option
@pass_session
def gen_key(
    session: Session,
    /,
    *,
    name: str | None,
    scopes: Sequence[str],
    expires: str | None,
    is_written: bool,
    is_personal: bool,
    as_json: bool,
) -> None:
    """Make a key for townhall, and show it once; only its hash is kept.

    Without --write it shows the lines to add to tinytown.toml. A server that runs takes them at once. Once
    ~/.tt/config.toml has keys, no others are taken: what changes the repository lets nobody in.
    """
    from tinytown.services.api_keys import key_file, make_key, write_key  # argon2, for this command only

    town = session.town
    town.caller.check_directing("make a key", may_direct=town.settings.agent.may_direct)
    now = town.clock()
    place = key_file(town.settings, town.environ, is_personal=is_personal)
    called = f"~/{USER_FILE}" if is_personal else TOWN_FILE
    made = make_key(
        town.settings,
        place,
        name=name,
        scopes=tuple(Scope(scope) for scope in scopes) or (Scope.TOWN_READ,),
        expires_at=None if expires is None else read_moment(expires, now),
        now=now,
        random=os.urandom,
    )
    file = write_key(place, made, may_create=is_personal) if is_written else None
    listed = [scope.value for scope in made.scopes]
    until = None if made.expires_at is None else made.expires_at.isoformat()
    if as_json:
        told = {"name": made.name, "key": made.key, "scopes": listed, "expires_at": until, "toml": made.lines}
        session.show_json({**told, "written_to": None if file is None else str(file)})
    else:
        rest = [f"Add to {called}:", "", made.lines.rstrip()] if file is None else [f"Added to {file}"]
        session.show([f"🔑 Key {made.name} ({', '.join(listed)}), shown this once:", "", made.key, "", *rest])
    if not made.is_taken:
        mode = town.settings.townhall.auth.mode
        session.warn([f'no key is taken while mode is {mode}: set mode = "api_key" under [townhall.auth] in {called}'])
