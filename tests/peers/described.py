"""GitHub's published description of its REST API, as a judge of requests and of answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema
from tests.peers.install import DESCRIPTION

_WITH_SLASHES = {"ref", "path", "basehead"}
_UNTOLD = {"nullable", "example", "examples", "description", "title", "format", "deprecated"}


class NotDescribedError(AssertionError):
    """What a request or an answer has that GitHub's description has not."""


@cache
def github_described() -> Described:
    """The description that `tests.peers.install` fetched, read once."""
    return Described(json.loads(DESCRIPTION.read_bytes()))


class Described:
    """An OpenAPI 3.0 document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validators: dict[int, jsonschema.Draft7Validator] = {}
        templates = sorted(document["paths"], key=lambda path: (path.count("{"), -len(path)))
        self._routes = [(_pattern(template), template) for template in templates]

    def check(self, method: str, path: str, query: Mapping[str, str], body: Any = None) -> str:
        """The template of the operation, or NotDescribedError: there is none, or the request is not one of it."""
        template, operation, parameters = self._operation(method, path)
        if unknown := set(query) - {one["name"] for one in parameters if one["in"] == "query"}:
            raise NotDescribedError(f"{method} {template} has no query {sorted(unknown)}")
        for one in parameters:
            if one["in"] == "query" and one["name"] in query:
                self._check_choice(f"{method} {template}", self._resolved(one["schema"]), one["name"], query)
        if body is not None:
            self._check_body(f"{method} {template}", operation, body)
        return template

    def check_answer(self, method: str, path: str, status: int, body: Any) -> None:
        """NotDescribedError: GitHub's answer to this request does not look like that."""
        template, operation, _ = self._operation(method, path)
        answers = operation["responses"]
        if str(status) not in answers:
            raise NotDescribedError(f"{method} {template} never answers {status}, but {sorted(answers)}")
        content = self._resolved(answers[str(status)]).get("content", {})
        if "application/json" in content:
            self._validate(f"{method} {template} {status}", content["application/json"]["schema"], body)
        elif body is not None:
            raise NotDescribedError(f"{method} {template} {status} has no body")

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
        for pattern, template in self._routes:
            item = self._document["paths"][template]
            if method.lower() in item and pattern.fullmatch(path):
                operation = item[method.lower()]
                listed = [*operation.get("parameters", []), *item.get("parameters", [])]
                return template, operation, [self._resolved(one) for one in listed]
        raise NotDescribedError(f"there is no operation {method} {path}")

    @staticmethod
    def _check_choice(what: str, schema: dict[str, Any], name: str, query: Mapping[str, str]) -> None:
        value = query[name]
        if "enum" in schema and value not in schema["enum"]:
            raise NotDescribedError(f"{what}: {name}={value} is none of {schema['enum']}")
        if schema.get("type") == "integer" and not value.isdecimal():
            raise NotDescribedError(f"{what}: {name}={value} is no number")

    def _check_body(self, what: str, operation: dict[str, Any], body: Any) -> None:
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        if "application/json" not in content:
            raise NotDescribedError(f"{what} takes no body")
        schema = self._resolved(content["application/json"]["schema"])
        self._validate(what, schema, body)
        if (names := schema.get("properties")) and isinstance(body, dict) and (unknown := set(body) - set(names)):
            raise NotDescribedError(f"{what} takes no {sorted(unknown)}")

    def _validate(self, what: str, schema: dict[str, Any], value: Any) -> None:
        if id(schema) not in self._validators:  # the document keeps the schema alive, so its id is its own
            self._validators[id(schema)] = jsonschema.Draft7Validator(self._plain(schema))
        for error in self._validators[id(schema)].iter_errors(value):
            raise NotDescribedError(f"{what}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}")

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            at: Any = self._document
            for part in node["$ref"][2:].split("/"):
                at = at[part]
            node = at
        return node

    def _plain(self, node: Any, depth: int = 0) -> Any:
        """JSON Schema: references put in, OpenAPI's `nullable` said as a type, nothing required 12 levels down."""
        if isinstance(node, list):
            return [self._plain(one, depth) for one in node]
        if not isinstance(node, dict):
            return node
        node = self._resolved(node)
        if depth > 12:
            return {}
        plain = {name: self._plain(value, depth + 1) for name, value in node.items() if name not in _UNTOLD}
        if "properties" in plain:  # names of properties, not words of the schema's language
            plain["properties"] = {name: self._plain(one, depth + 1) for name, one in node["properties"].items()}
        return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{([^}]+)\}", template)
    for index in range(1, len(parts), 2):
        parts[index] = "(.+)" if parts[index] in _WITH_SLASHES else "([^/]+)"
    return re.compile("".join(re.escape(part) if index % 2 == 0 else part for index, part in enumerate(parts)))
