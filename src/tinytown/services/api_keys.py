"""Making API keys: the key, which is told once, and the lines of a settings file that let it in."""

from __future__ import annotations

import fcntl
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import msgspec
from argon2 import PasswordHasher

from tinytown.config import TOWN_FILE, USER_FILE, Settings
from tinytown.domain.access import SECRET_BYTES, Scope, check_key_name, compose_key
from tinytown.domain.errors import AlreadyExistsError, ConfigError, InvalidInputError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_FIRST_NAME = "key"
_ACCESS = "townhall.auth."
_TAKE_KEYS = '[townhall.auth]\nmode = "api_key"\n\n'


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was made."""

    name: str
    key: str
    """The secret itself; it is kept nowhere."""
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    table: str
    """The table of the settings that is the key."""
    is_first: bool
    """Whether the file must also be told to take keys, and can be."""
    is_taken: bool
    """Whether keys are taken then; else `mode` must be changed by hand."""

    @property
    def lines(self) -> str:
        """What the file must say."""
        return f"{_TAKE_KEYS}{self.table}" if self.is_first else self.table


def key_file(settings: Settings, environ: Mapping[str, str], *, is_personal: bool) -> Path:
    """The file that a key is to be added to.

    Args:
        settings: the town's.
        environ: HOME says where a person's file is.
        is_personal: whether that one is meant, not the town's.

    Raises:
        ConfigError: a key there would not count, or make those in the other file count no more; or there is no HOME.
    """
    town, home = settings.root / TOWN_FILE, environ.get("HOME")
    origins = {origin for name, origin in settings.origins.items() if name.startswith(_ACCESS)}
    if not is_personal:
        if home and str(Path(home) / USER_FILE) in origins:
            raise ConfigError(
                f"who is let in is said by [townhall.auth] of ~/{USER_FILE}, and {TOWN_FILE} counts for nothing there; "
                "give --user"
            )
        return town
    if not home:
        raise ConfigError(f"there is no HOME, and so no ~/{USER_FILE}; set it, or do without --user")
    if str(town) in origins:
        raise ConfigError(
            f"{TOWN_FILE} has [townhall.auth], which would count no more; move its tables to ~/{USER_FILE} first, or do "
            "without --user"
        )
    return Path(home) / USER_FILE


def make_key(
    settings: Settings,
    file: Path,
    *,
    name: str | None,
    scopes: Sequence[Scope],
    expires_at: datetime | None,
    now: datetime,
    random: Callable[[int], bytes],
) -> NewKey:
    """Make a key; nothing is written.

    Args:
        settings: the town's.
        file: where it will be added.
        name: of the key; None: the first free one of `key`, `key-2`, …
        scopes: what who has it may do.
        expires_at: when it stops being good.
        now: the time.
        random: that many random bytes.

    Raises:
        InvalidInputError: the name is not valid, or the end has passed. AlreadyExistsError: a key has that name.
    """
    chosen = _free_name(settings) if name is None else check_key_name(name)
    _refuse_second(chosen, settings.townhall.auth.api_keys)
    ends = None if expires_at is None else expires_at.astimezone(UTC).replace(microsecond=0)
    if ends is not None and ends <= now:
        raise InvalidInputError(f"the key would have expired at {ends.isoformat()}; give a time to come")
    key = compose_key(chosen, random(SECRET_BYTES))
    kept = tuple(dict.fromkeys(scopes))
    is_unsaid = settings.origin("townhall.auth.mode") == "default"
    is_first = is_unsaid and not _has_table(_said_in(file))
    return NewKey(
        name=chosen,
        key=key,
        scopes=kept,
        expires_at=ends,
        table=_table(chosen, PasswordHasher().hash(key), kept, ends),
        is_first=is_first,
        is_taken=is_first or settings.townhall.auth.mode == "api_key",
    )


def write_key(path: Path, made: NewKey, *, may_create: bool = False) -> Path:
    """Add a key's lines at the end of the file, where it changes nothing else; returns the file.

    Raises:
        AlreadyExistsError: a key of that name was added meanwhile. ConfigError: the file cannot take it; nothing was
            written.
    """
    try:
        if may_create:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "r+", encoding="utf-8", newline="", opener=_created if may_create else None) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # two commands at once would both add the table above
            text = file.read()
            addition = _addition(text, made, path)
            file.write(addition)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ConfigError(
            f"cannot write {path}: {reason.lower()}; without --write it shows the lines to add by hand"
        ) from error
    return path


def _addition(text: str, made: NewKey, path: Path) -> str:
    """What to append to the file, in its own kind of lines."""
    said = _keys_in(text.removeprefix("\ufeff"))
    if said is not None:
        _refuse_second(made.name, said)
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = made.table if _has_table(text.removeprefix("\ufeff")) else made.lines
    addition = f"{gap}{lines}".replace("\n", newline)
    found = _keys_in((text + addition).removeprefix("\ufeff"))
    if said is None or found is None or set(found) != {*said, made.name}:
        raise ConfigError(
            f"the key cannot be added at the end of {path}, as [townhall.auth] is written in another way there; "
            "write it as a table [townhall.auth.api_keys.NAME] for each key, or call this without --write and add it "
            "by hand"
        )
    return addition


def _said_in(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""


def _created(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o600)


def _keys_in(text: str) -> dict[str, object] | None:
    """`[townhall.auth.api_keys]` of the file; None when it is not valid."""
    try:
        tables: object = tomllib.loads(text)
        for name in ("townhall", "auth", "api_keys"):
            tables = tables.get(name, {}) if isinstance(tables, dict) else None
    except tomllib.TOMLDecodeError:
        return None
    return tables if isinstance(tables, dict) else None


def _has_table(text: str) -> bool:
    """Whether the file has the table `[townhall.auth]` itself, which a second one may not follow."""
    try:
        tomllib.loads(f"{text}\n[townhall.auth]\n")
    except tomllib.TOMLDecodeError:
        return True
    return False


def _free_name(settings: Settings) -> str:
    keys = settings.townhall.auth.api_keys
    names = (_FIRST_NAME if number == 1 else f"{_FIRST_NAME}-{number}" for number in count(1))
    return next(name for name in names if name not in keys)


def _refuse_second(name: str, known: object) -> None:
    if isinstance(known, dict) and name in known:
        raise AlreadyExistsError(
            f"there is a key '{name}' already; choose another name, or take its table out of the settings to end it"
        )


def _table(name: str, key_hash: str, scopes: Sequence[Scope], expires_at: datetime | None) -> str:
    shown = name if _BARE.fullmatch(name) else f'"{name}"'
    listed = ", ".join(f'"{scope.value}"' for scope in scopes)
    lines = [f"[townhall.auth.api_keys.{shown}]", f'hash = "{key_hash}"', f"scopes = [{listed}]"]
    if expires_at is not None:
        lines.append(f"expires_at = {expires_at.isoformat().replace('+00:00', 'Z')}")
    return "\n".join((*lines, ""))
