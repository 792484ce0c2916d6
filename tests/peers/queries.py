"""Just enough GraphQL: a query's selections, taken out of plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

_TOKEN = re.compile(r'\s*,?\s*(\.\.\.|"(?:[^"\\]|\\.)*"|\$?[A-Za-z_]\w*!?|-?\d+|[{}()\[\]:!=$])')
Resolver = Callable[[dict[str, Any]], Any]
"""A field with arguments."""


class QueryError(Exception):
    """What GitHub would answer in `errors`."""


class Field(msgspec.Struct):
    """One selected field."""

    name: str
    alias: str
    arguments: dict[str, Any]
    fields: list[Field]


def parsed(text: str, variables: Mapping[str, Any]) -> tuple[str, list[Field]]:
    """ "query" or "mutation", and its fields. No fragments, no directives."""
    reader = _Reader(text, variables)
    kind = "query" if reader.peek() == "{" else reader.take()
    while reader.peek() != "{":  # the operation's name and the types of its variables
        reader.take()
    return kind, reader.fields()


def selected(value: Any, fields: list[Field]) -> Any:
    """Of a value only what was selected; QueryError: a field that it does not have."""
    if isinstance(value, list):
        return [selected(one, fields) for one in value]
    if not isinstance(value, dict) or not fields:
        return value
    taken = {}
    for field in fields:
        if field.name not in value:
            raise QueryError(f"Field '{field.name}' doesn't exist (or is not known to the tests' GitHub)")
        found = value[field.name]
        taken[field.alias] = selected(found(field.arguments) if callable(found) else found, field.fields)
    return taken


def connection(items: list[Any]) -> Resolver:
    """GitHub's pages: `first` with `after`, or `last`."""

    def page(arguments: dict[str, Any]) -> dict[str, Any]:
        start = int(arguments.get("after") or 0)
        end = start + int(arguments.get("first") or len(items))
        nodes = items[-int(arguments["last"]) :] if "last" in arguments else items[start:end]
        info = {"hasNextPage": "last" not in arguments and end < len(items), "endCursor": str(end)}
        return {"nodes": nodes, "totalCount": len(items), "pageInfo": info}

    return page


class _Reader:
    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens = _TOKEN.findall(re.sub(r"#[^\n]*", "", text))
        self._at = 0
        self._variables = variables

    def peek(self) -> str:
        return str(self._tokens[self._at])

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if wanted and token != wanted:
            raise QueryError(f"Expected {wanted}, got {token}")
        self._at += 1
        return token

    def fields(self) -> list[Field]:
        self.take("{")
        found = []
        while self.peek() != "}":
            found.append(self._field())
        self.take("}")
        return found

    def _field(self) -> Field:
        alias = name = self.take()
        if name == "...":
            raise QueryError("fragments are not known to the tests' GitHub")
        if self.peek() == ":":
            self.take()
            name = self.take()
        arguments = self._object("(", ")") if self.peek() == "(" else {}
        return Field(name, alias, arguments, self.fields() if self.peek() == "{" else [])

    def _object(self, start: str, end: str) -> dict[str, Any]:
        self.take(start)
        found = {}
        while self.peek() != end:
            name = self.take()
            self.take(":")
            found[name] = self._value()
        self.take(end)
        return found

    def _value(self) -> Any:
        if self.peek() == "{":
            return self._object("{", "}")
        token = self.take()
        if token.startswith("$"):
            return self._variables.get(token[1:])
        return json.loads(token) if re.match(r'["\d-]|(true|false|null)$', token) else token
