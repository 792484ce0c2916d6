"""What bodies and parameters are made of."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from tinytown.domain.ids import NAME_LIMIT

TEXT_LIMIT = 100_000
"""Characters of a task or a message."""
_NAME = "^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$"
"""As domain/ids.py has it."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Request(BaseModel):
    """A body that is sent to us: types count (5 is no "5"), fields that are not known are left alone."""

    model_config = ConfigDict(strict=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _with_whole_numbers(cls, body: object) -> object:
        """JSON has one kind of number: 5.0 is the integer 5."""
        if not isinstance(body, dict):
            return body
        return {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in body.items()}


class Answer(BaseModel):
    """A body that we send."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


def _promise_nothing(schema: dict[str, Any]) -> None:
    schema.pop("required", None)


class ContractAnswer(Answer):
    """A body that the contract describes: it promises no field to be there, so its schema does not either."""

    model_config = ConfigDict(json_schema_extra=_promise_nothing)


def storable(text: str) -> str:
    """The text, if the store can hold it; else a ValueError, as validators raise them."""
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("must not contain half a character (a lone surrogate)")
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _uuid(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise ValueError("must be a UUID such as 123e4567-e89b-12d3-a456-426614174000")
    return str(UUID(text))


class _LeftOut:
    """Marks an optional field that may be left out, but not be null."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._given, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler(schema)
        kept = [one for one in found.pop("anyOf", []) if one != {"type": "null"}]
        return {**found, **(kept[0] if len(kept) == 1 else {"anyOf": kept})}

    @staticmethod
    def _given(value: object) -> object:
        if value is None:
            raise ValueError("must not be null; leave it out instead")
        return value


LEFT_OUT = _LeftOut()
"""`Annotated[Text | None, LEFT_OUT] = None`: may be left out, but is never null."""


class Spelled:
    """Marks a text that has a pattern, which documents show; who breaks it is told in words."""

    def __init__(self, pattern: str, told: str) -> None:
        self._pattern = pattern
        self._told = told

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": self._pattern}

    def _check(self, text: str) -> str:
        if not re.fullmatch(self._pattern, text) or text.endswith("\n"):
            raise ValueError(self._told)
        return text


PRINTED_LINE = Spelled(
    r"^[\w!-~]([\w -~]*[\w!-~])?$", "must be one line of letters, digits, spaces and marks, and no spaces around it"
)
"""One line of what can be seen, without blanks around it."""

Line: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=NAME_LIMIT),
    AfterValidator(storable),
    Field(json_schema_extra={"pattern": r"^[^\x00]*$"}),
]
"""A short text, such as the name by which something is asked for."""
Text: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TEXT_LIMIT),
    AfterValidator(storable),
    AfterValidator(_filled),
    Field(json_schema_extra={"pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}),
]
"""What a person writes."""
OptionalText: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=TEXT_LIMIT),
    AfterValidator(storable),
    Field(json_schema_extra={"pattern": r"^[^\x00]*$"}),
]
"""What a person may write."""
Name: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=NAME_LIMIT),
    Spelled(_NAME, "must be letters, digits, '.', '_' and '-', beginning and ending with a letter or digit"),
]
"""The name of something new."""
Id: TypeAlias = Annotated[str, AfterValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
"""A UUID, in lower case once it is read."""


def cut(text: str, limit: int) -> str:
    """The text, or its beginning with an ellipsis, in at most so many characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
