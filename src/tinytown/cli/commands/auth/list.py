"""`tt auth list`."""

from __future__ import annotations

from datetime import datetime

import click

from tinytown.cli.render.text import columns
from tinytown.cli.session import Session, json_option, pass_session
from tinytown.config.townhall import ApiKeySettings


@click.command("list")
@json_option
@pass_session
def list_keys(session: Session, /, *, as_json: bool) -> None:
    """List the keys that townhall knows: their names, scopes and ends; nobody has the keys themselves."""
    auth = session.town.settings.townhall.auth
    keys = sorted(auth.api_keys.items())
    now = session.town.clock()
    if as_json:
        session.show_json({"mode": auth.mode, "keys": [_record(*key, now) for key in keys], "count": len(keys)})
        return
    rows = [(name, ", ".join(scope.value for scope in key.scopes), _end(key.expires_at, now)) for name, key in keys]
    table = columns([("NAME", "SCOPES", "ENDS"), *rows]) if rows else ["no keys; make one: tt auth gen-key"]
    session.show([f"🔑 Keys: {len(rows)} (mode {auth.mode})", *table])


def _record(name: str, key: ApiKeySettings, now: datetime) -> dict[str, object]:
    return {
        "name": name,
        "scopes": [scope.value for scope in key.scopes],
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
        "is_expired": _is_over(key.expires_at, now),
    }


def _end(expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None:
        return "never"
    return f"{expires_at.isoformat()}{' (over)' if _is_over(expires_at, now) else ''}"


def _is_over(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is not None and expires_at <= now
