"""docs/reference/settings.md: every setting, from the structs of config/settings.py."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

import tinytown.runtime.clis.configured as configured_clis
from tinytown.config import Settings
from tinytown.config.settings import Argv, Check, Names, Text
from tinytown.domain.access import Scope
from tools.meanings import meaning_of

NOT_SETTINGS = frozenset({"root", "origins"})
"""Fields of `Settings` that nobody sets."""

_WORDS: Mapping[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Argv: "command: a string, or an array of words",
    Names: "array of texts",
    datetime: "date and time with its zone",
    tuple[Scope, ...]: "array of scopes",
    tuple[Check, ...]: "array of commands, or of `{name, run, timeout_secs}`",
    Mapping[str, Text]: "table of texts",
}

_HEAD = """\
# Settings

What may stand in `tinytown.toml`, table by table; `tt init` writes the file with the defaults as comments. A later one
of these wins: the defaults, `~/.tt/config.toml` (a person's settings for all towns), the town's `tinytown.toml`,
environment variables, flags of a command. But once `~/.tt/config.toml` says anything under `[townhall.auth]`, what
`tinytown.toml` says there is passed over ([why](../access.md#which-file)).

The variable of a key is `TINYTOWN_<TABLE>__<KEY>` in capitals, a further `__` for a table in a table:
`TINYTOWN_AGENT__DEFAULT_CLI`, `TINYTOWN_FORGE__LOCAL__CHECK_TIMEOUT_SECS`. `REDIS_URL` sets `redis.url`. An unknown
key, or a value that cannot be, is an error that names the file and line, or the variable.

Commands (checks and hooks) run without a shell: a string is split into words as a shell would split it; pipes, `&&`
and redirections are refused. Put these into a script and name the script.
"""

Field: TypeAlias = tuple[str, Any, Any, str]
"""Key, type, default (`NODEFAULT` when it must be set), meaning."""


def render() -> str:
    """The page."""
    return "\n".join((_HEAD, *(_section(table, kind) for table, kind in tables())))


def tables(kind: type = Settings, above: str = "") -> Iterator[tuple[str, Any]]:
    """Each table's dotted name, with its struct, or with its type when its keys are anybody's."""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        dotted = f"{above}.{name}" if above else name
        if name in NOT_SETTINGS and not above:
            continue
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield dotted, hint
            yield from tables(hint, dotted)
        elif (entry := _entry(hint)) is not None:
            yield f"{dotted}.NAME", entry
        elif not above:
            yield dotted, hint


def fields(kind: type) -> Iterator[Field]:
    """The keys of a table that are values, not tables themselves.

    Raises:
        LookupError: a key has no docstring.
    """
    meaning = meaning_of(kind)
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        if (isinstance(hint, type) and issubclass(hint, msgspec.Struct)) or _entry(hint) is not None:
            continue
        if field.name not in meaning.members:
            raise LookupError(f"{kind.__name__}.{field.name} has no docstring; write one under it")
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        yield field.name, hint, default, meaning.members[field.name]


def _entry(hint: Any) -> type | None:
    """Of a table of tables with anybody's names, the struct of one."""
    inner = get_args(hint)[1] if get_origin(hint) is Mapping else None
    return inner if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None


def _section(table: str, kind: Any) -> str:
    if not isinstance(kind, type):
        return _of_clis(table)
    rows = (
        f"| `{name}` | {_type(hint)}{_least(table, hint)} | {_default(default)} | {said} |"
        for name, hint, default, said in fields(kind)
    )
    intro = _intro(table, meaning_of(kind).text)
    return "\n".join((f"## [{table}]\n\n{intro}| key | type | default | meaning |\n|---|---|---|---|", *rows, ""))


def _of_clis(table: str) -> str:
    """The one table whose keys the runtime reads, in the words of the module that does."""
    said, _, example = (inspect.getdoc(configured_clis) or "").partition("\n\n")
    return f"## [{table}.NAME]\n\n{said} See [adding a CLI](../agents.md#adding-a-cli).\n\n```toml\n{example}\n```\n"


def _least(table: str, hint: Any) -> str:
    """The loader wants whole numbers of a policy to be positive; the planner's struct does not say so."""
    return ", at least 1" if table == "mission" and hint is int else ""


def _intro(table: str, text: str) -> str:
    """The struct's docstring, less the name of the table."""
    said = text.removeprefix(f"`[{table}]`").lstrip(".: ")
    return f"{said[:1].upper()}{said[1:]}\n\n" if said else ""


def _type(hint: Any) -> str:
    match get_origin(hint):
        case origin if origin is Annotated:
            base, *limits = get_args(hint)
            return _type(base) + "".join(_limit(limit) for limit in limits)
        case origin if origin is Literal:
            return ", ".join(f"`{choice}`" for choice in get_args(hint))
        case origin if origin in {Union, UnionType}:
            return ", ".join(_type(part) for part in get_args(hint) if part is not NoneType)
        case _:
            return _WORDS[hint]


def _limit(limit: msgspec.Meta) -> str:
    if limit.ge is not None:
        return f", at least {limit.ge}" + ("" if limit.lt is None else f" and below {limit.lt}")
    return f", above {limit.gt}" if limit.gt is not None else ""


def _default(value: object) -> str:
    if value is msgspec.NODEFAULT:
        return "must be set"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple) and value:
        return ", ".join(f"`{part.value if isinstance(part, Scope) else part}`" for part in value)
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`" if value or value == 0 else "empty"
