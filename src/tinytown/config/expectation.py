"""What a setting takes and what was found instead, in the words of who writes the file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

from msgspec import Meta

_SHOWN_CHARS = 40
_TEXTS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    datetime: "a date and time with its zone, as in 2030-01-31T12:00:00Z",
}


def mismatch(kind: Any, value: object) -> str:
    """`expected …, found …`, for a value that is not of that kind."""
    return f"expected {_wanted(kind)}, found {_found(value)}"


def _wanted(kind: Any) -> str:
    bare, *metas = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    if get_origin(bare) is Literal:
        return f"one of {', '.join(get_args(bare))}"
    if get_origin(bare) is Mapping:
        inner = get_args(bare)[1]
        return "a table" if get_origin(inner) is Mapping or inner is object else _wanted(inner)
    if get_origin(bare) is tuple:
        return f"an array of {_several(get_args(bare)[0])}"
    if bare not in _TEXTS:  # … or nothing: a file cannot say nothing
        return next(_wanted(part) for part in get_args(bare) if part is not type(None))
    return _TEXTS[bare] + "".join(_limit(meta) for meta in metas if isinstance(meta, Meta))


def _several(kind: Any) -> str:
    is_enum = isinstance(kind, type) and issubclass(kind, Enum)
    return ", ".join(member.value for member in kind) if is_enum else "texts"


def _limit(meta: Meta) -> str:
    if meta.gt is not None:
        return f" above {meta.gt}"
    if meta.ge is not None:
        return f", {meta.ge} or more" + ("" if meta.lt is None else f" and below {meta.lt}")
    return " that is not empty" if meta.min_length else ""


def _found(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            shown = value if len(value) <= _SHOWN_CHARS else f"{value[:_SHOWN_CHARS]}…"
            return f'the text "{shown}"'
        case list():
            return "an array"
        case dict():
            return "a table"
    return f"a date or time: {value}"
