"""Settings from their layers: what each one says is checked where it was said, then the last one wins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

import msgspec

from tinytown.config.commands import read_argv, read_checks
from tinytown.config.document import Document, read_document
from tinytown.config.expectation import mismatch
from tinytown.config.forge_values import read_api_url, read_app_id, read_names, read_pattern, read_patterns
from tinytown.config.roots import TOWN_FILE
from tinytown.config.settings import Positive, Settings
from tinytown.domain.errors import ConfigError, InvalidInputError
from tinytown.domain.ids import check_name
from tinytown.domain.policy import MissionPolicy

USER_FILE = Path(".tt") / "config.toml"
"""The settings of a person for all their towns, relative to the home folder."""

_PREFIX = "TINYTOWN_"
_SEPARATOR = "__"
_ACCESS = ("townhall", "auth")
"""Taken from a person's file alone where that says it: who may change the repository does not say who is let in."""
_NOT_TABLES = ("root", "origins")

Name: TypeAlias = tuple[str, ...]
Where: TypeAlias = Callable[..., str]

_READERS: Mapping[Name, Callable[[object], object]] = {
    ("forge", "api_url"): read_api_url,
    ("forge", "app_id"): read_app_id,
    ("forge", "bots"): read_names,
    ("forge", "bots_pattern"): read_pattern,
    ("forge", "flaky"): read_patterns,
    ("forge", "local", "checks"): read_checks,
    ("forge", "trusted_authors"): read_names,
    ("worktree", "after_create"): read_argv,
    ("worktree", "before_run"): read_argv,
    ("worktree", "after_run"): read_argv,
    ("worktree", "before_remove"): read_argv,
}


class _Value(msgspec.Struct, frozen=True):
    value: object
    origin: str


def load_settings(root: Path, *, environ: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Settings:
    """The settings of the town in `root`.

    Args:
        root: folder of tinytown.toml.
        environ: REDIS_URL and `TINYTOWN_<TABLE>__<KEY>` (as in TINYTOWN_AGENT__DEFAULT_CLI) are looked at; HOME says
            where `.tt/config.toml` is.
        flags: dotted name -> value; None means that it was not given.

    Raises:
        ConfigError: a file cannot be read, or a key or value in it, in the environment or in the flags is not valid;
            names the place and what is expected.
    """
    root = root.resolve()
    document = read_document(root / TOWN_FILE)
    if document is None:
        raise ConfigError(f"no {TOWN_FILE} in {root}: run `tt init` there")
    values: dict[Name, _Value] = {}
    if (person := _user_document(environ)) is not None:
        values |= _of_document(person)
    values |= _without_access(_of_document(document)) if _is_access_said(values) else _of_document(document)
    values |= _of_environment(environ)
    values |= _of_flags(flags or {})
    settings = _build(root, document, values)
    _check_town_name(settings, document)
    return settings


def _user_document(environ: Mapping[str, str]) -> Document | None:
    home = environ.get("HOME")
    return read_document(Path(home) / USER_FILE) if home else None


def _of_document(document: Document) -> dict[Name, _Value]:
    return _flat(Settings, document.tables, (), str(document.path), document.where)


def _is_access_said(values: Mapping[Name, _Value]) -> bool:
    return any(name[: len(_ACCESS)] == _ACCESS for name in values)


def _without_access(values: Mapping[Name, _Value]) -> dict[Name, _Value]:
    return {name: value for name, value in values.items() if name[: len(_ACCESS)] != _ACCESS}


def _of_environment(environ: Mapping[str, str]) -> dict[Name, _Value]:
    found: dict[Name, _Value] = {}
    for variable, text in environ.items():
        if variable.startswith(_PREFIX) and _SEPARATOR in variable:
            name = tuple(variable.removeprefix(_PREFIX).lower().split(_SEPARATOR))
            found |= _single(name, text, variable, is_text=True)
    if url := environ.get("REDIS_URL"):
        found |= _single(("redis", "url"), url, "REDIS_URL", is_text=True)
    return found


def _of_flags(flags: Mapping[str, object]) -> dict[Name, _Value]:
    found: dict[Name, _Value] = {}
    for dotted, value in flags.items():
        if value is not None:
            found |= _single(tuple(dotted.split(".")), value, "flag", is_text=False)
    return found


def _single(name: Name, value: object, origin: str, *, is_text: bool) -> dict[Name, _Value]:
    tree: object = value
    for part in reversed(name):
        tree = {part: tree}
    assert isinstance(tree, dict)  # noqa: S101  a name has at least one part
    return _flat(Settings, tree, (), origin, lambda *_: origin, is_text=is_text)


def _flat(
    table: type, said: Mapping[str, object], above: Name, origin: str, where: Where, *, is_text: bool = False
) -> dict[Name, _Value]:
    """Dotted name -> value of all that a layer says, each checked against the struct that the table stands for."""
    hints = _fields(table)
    values: dict[Name, _Value] = {}
    for key, value in said.items():
        name = (*above, key)
        if key not in hints:
            raise ConfigError(f"{where(*name)}: {_unknown(key, above, hints)}")
        kind = hints[key]
        if _is_table(kind):
            values |= _flat(kind, _as_table(value, name, where), name, origin, where, is_text=is_text)
        elif (entry_kind := _entry_table(kind)) is not None:
            for entry, inner in _as_table(value, name, where).items():
                table_said = _as_table(inner, (*name, entry), where)
                if not table_said:  # it would be lost, as there is nothing that it says
                    raise ConfigError(f"{where(*name, entry)}: {_incomplete((*name, entry), entry_kind, ())}")
                values |= _flat(entry_kind, table_said, (*name, entry), origin, where, is_text=is_text)
        elif get_origin(kind) is Mapping:
            for entry, inner in _as_table(value, name, where).items():
                (converted,) = _convert({entry: inner}, kind, (*name, entry), where, is_text=is_text).values()
                values[*name, entry] = _Value(converted, origin)
        else:
            values[name] = _Value(_convert(value, kind, name, where, is_text=is_text), origin)
    return values


def _as_table(value: object, name: Name, where: Where) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where(*name)}: {'.'.join(name)} must be a table: [{'.'.join(name)}]")
    return value


def _convert(value: object, kind: Any, name: Name, where: Where, *, is_text: bool) -> Any:
    try:
        if name in _READERS:
            return _READERS[name](value)
        if is_text and get_origin(kind) is tuple and isinstance(value, str):
            words = tuple(word for part in value.split(",") if (word := part.strip()))
            return msgspec.convert(words, kind)
        converted = msgspec.convert(value, kind, strict=not is_text)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where(*name)}: {'.'.join(name)}: {mismatch(kind, _said(value, kind))}") from error
    except ValueError as error:
        raise ConfigError(f"{where(*name)}: {'.'.join(name)}: {error}") from error
    return converted


def _said(value: object, kind: Any) -> object:
    """What the message is about: of a single entry, which is checked as a table of one, the entry's value."""
    return next(iter(value.values())) if get_origin(kind) is Mapping and isinstance(value, dict) else value


def _unknown(key: str, above: Name, hints: Mapping[str, object]) -> str:
    import difflib  # 5 ms, for a mistake only

    place = f" in [{'.'.join(above)}]" if above else ""
    what = "key" if above else "table"
    close = difflib.get_close_matches(key, hints, n=1)
    advice = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(sorted(hints))}"
    return f"unknown {what} '{key}'{place}; {advice}"


@cache
def _fields(table: type) -> dict[str, Any]:
    hints = get_type_hints(table, include_extras=True)
    if table is MissionPolicy:  # its numbers are counts and seconds, and none of them may be 0
        hints = {name: Positive if kind is int else kind for name, kind in hints.items()}
    return {name: kind for name, kind in hints.items() if table is not Settings or name not in _NOT_TABLES}


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _entry_table(kind: Any) -> type | None:
    """The struct of one entry, of a table of tables with anybody's names."""
    inner = get_args(kind)[1] if get_origin(kind) is Mapping else None
    return inner if _is_table(inner) else None


def _incomplete(name: Name, kind: Any, said: Collection[str]) -> str | None:
    """What a table lacks; None when nothing."""
    lacks = [field.name for field in msgspec.structs.fields(kind) if field.required and field.name not in said]
    return f"[{'.'.join(name)}] has no {lacks[0]}; add it, or take the table out" if lacks else None


def _build(root: Path, document: Document, values: Mapping[Name, _Value]) -> Settings:
    if ("town", "name") not in values:
        raise ConfigError(f'{document.path}: the town has no name; add name = "…" under [town]')
    tree: dict[str, Any] = {}
    for name, found in values.items():
        inner = tree
        for part in name[:-1]:
            inner = inner.setdefault(part, {})
        inner[name[-1]] = found.value
    tables = {key: _made(_fields(Settings)[key], said, (key,), document.where) for key, said in tree.items()}
    origins = {".".join(name): found.origin for name, found in values.items()}
    return Settings(root=root, origins=origins, **tables)


def _made(kind: Any, said: dict[str, Any], name: Name, where: Where) -> Any:
    if (entry_kind := _entry_table(kind)) is not None:
        for entry, inner in said.items():
            if lack := _incomplete((*name, entry), entry_kind, inner):
                raise ConfigError(f"{where(*name, entry)}: {lack}")
        return {entry: _made(entry_kind, inner, (*name, entry), where) for entry, inner in said.items()}
    if not _is_table(kind):
        return said
    fields = _fields(kind)
    return kind(**{key: _made(fields[key], value, (*name, key), where) for key, value in said.items()})


def _check_town_name(settings: Settings, document: Document) -> None:
    try:
        check_name(settings.town.name, "town")
    except InvalidInputError as error:
        origin = settings.origin("town.name")
        place = document.where("town", "name") if origin == str(document.path) else origin
        raise ConfigError(f"{place}: {error.message}") from error
