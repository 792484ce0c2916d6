"""An OpenAPI document as plain facts: sections (an operation or a schema) of names, each with what is said of it.

`"[GET /v1/status] query deep" = {"boolean", "default false"}`. Two documents are compared by them, whatever is written
inline or by reference, and without descriptions, titles and examples. Of answers that are problem documents the statuses are
told, not the media type: the contract has them as plain JSON, RFC 7807 does not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

Facts: TypeAlias = dict[str, dict[str, frozenset[str]]]
Node: TypeAlias = Mapping[str, Any]

PROBLEMS = "problems"
"""The name under which the statuses of problem documents are told."""
_SAID = (
    "format",
    "const",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "pattern",
    "default",
)
_PROBLEM = "ProblemDetails"
_NULL = {"type": "null"}


def read(path: Path) -> Facts:
    """Facts from a table: one line a name, what is said of it apart by ` · `."""
    sections = tomllib.loads(path.read_text("utf-8"))
    return {
        section: {name: frozenset(said.split(" · ")) for name, said in lines.items()}
        for section, lines in sections.items()
    }


def written(facts: Facts) -> str:
    """The table of facts, as `read` takes it."""
    lines: list[str] = []
    for section, names in facts.items():
        lines.append(f"\n[{_quoted(section)}]")
        lines += [f"{_quoted(name)} = {_quoted(' · '.join(sorted(said)))}" for name, said in names.items()]
    return "\n".join(lines).lstrip("\n") + "\n"


def beyond(more: Facts, less: Facts) -> Facts:
    """What `more` says and `less` does not."""
    found: Facts = {}
    for section, names in more.items():
        known = less.get(section, {})
        added = {name: left for name, said in names.items() if (left := said - known.get(name, frozenset()))}
        if added:
            found[section] = added
    return found


def distilled(document: Node, named: frozenset[str] | None = None) -> Facts:
    """The facts of a document.

    Args:
        document: in OpenAPI 3.1.
        named: schemas that are told by their name; others are told where they are used. By default all.
    """
    return _Distillery(document, named).all()


class _Distillery:
    def __init__(self, document: Node, named: frozenset[str] | None) -> None:
        self._document = document
        self._schemas: Node = document["components"]["schemas"]
        self._named = frozenset(self._schemas) if named is None else named

    def all(self) -> Facts:
        found: Facts = {}
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                found[f"{method.upper()} {path}"] = dict(self._operation(operation))
        for name in sorted(self._named & set(self._schemas)):
            found[f"schema {name}"] = dict(self._schema("", self._schemas[name]))
        return found

    def _operation(self, operation: Node) -> Iterator[tuple[str, frozenset[str]]]:
        yield "operation", frozenset({operation["operationId"]})
        yield "tags", frozenset(operation["tags"])
        for parameter in map(self._followed, operation.get("parameters", ())):
            needed = {"required"} if parameter.get("required") else set()
            name = f"{parameter['in']} {parameter['name']}"
            yield from self._schema(name, parameter["schema"], needed)
        if (body := operation.get("requestBody")) is not None:
            needed = {"required"} if body.get("required") else set()
            yield from self._content("body", body["content"], needed)
        problems = {status for status, answer in operation["responses"].items() if _PROBLEM in str(answer)}
        if problems:
            yield PROBLEMS, frozenset(problems)
        for status, answer in operation["responses"].items():
            if status not in problems:
                yield from self._content(f"answer {status}", answer.get("content", {}))

    def _content(self, name: str, content: Node, more: set[str] | None = None) -> Iterator[tuple[str, frozenset[str]]]:
        for media, one in content.items():
            shown = name if media == "application/json" else f"{name} {media}"
            yield from self._schema(shown, one["schema"], more)

    def _schema(self, name: str, schema: Node, more: set[str] | None = None) -> Iterator[tuple[str, frozenset[str]]]:
        """What is said of a schema, and of its parts."""
        said = set(more or ())
        schema = self._without_null(schema, said)
        if (reference := self._reference(schema)) is not None:
            schema = {**self._schemas[reference], **{k: v for k, v in schema.items() if k in _SAID}}
            if reference in self._named:
                told = schema if "enum" in schema else {k: v for k, v in schema.items() if k == "default"}
                yield name, frozenset({*said, reference, *self._limits(told)})
                return
            schema = self._without_null(schema, said)
        said |= self._limits(schema)
        yield name or "type", frozenset(said or {"anything"})
        if "items" in schema:
            yield from self._schema(f"{name}[]", schema["items"])
        for index, one in enumerate((*schema.get("oneOf", ()), *schema.get("anyOf", ()))):
            yield from self._schema(f"{name}({index})", one)
        required = set(schema.get("required", ()))
        for field, one in schema.get("properties", {}).items():
            yield from self._schema(
                f"{name}.{field}" if name else field, one, {"required"} if field in required else set()
            )

    def _limits(self, schema: Node) -> set[str]:
        said = {f"{word} {_shown(schema[word])}" for word in _SAID if schema.get(word) is not None}
        if "enum" in schema:
            said.add("one of " + " | ".join(sorted(map(str, schema["enum"]))))
        kind = schema.get("type") or ("object" if "properties" in schema else None)
        return said | ({str(kind)} if kind else set())

    def _without_null(self, schema: Node, said: set[str]) -> Node:
        if schema.get("nullable"):
            said.add("nullable")
        kept = [one for one in schema.get("anyOf", ()) if one != _NULL]
        if "anyOf" not in schema or len(kept) != 1:
            return schema
        said.add("nullable")
        return {**{k: v for k, v in schema.items() if k != "anyOf"}, **kept[0]}

    def _reference(self, schema: Node) -> str | None:
        whole = schema.get("$ref") or next((one["$ref"] for one in schema.get("allOf", ()) if "$ref" in one), None)
        return None if whole is None else str(whole).rpartition("/")[2]

    def _followed(self, parameter: Node) -> Node:
        if "$ref" not in parameter:
            return parameter
        found: Node = self._document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        return found


def _shown(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
