"""The page at `/docs`: what `/openapi.json` says, for people. One page without scripts that loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, TypeAlias

Node: TypeAlias = Mapping[str, Any]

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; border-radius: 6px; }
nav ul { columns: 20rem; list-style: none; padding: 0; font-size: 14px; overflow-wrap: anywhere; }
article { border: 1px solid var(--line); border-radius: 6px; padding: 0 1rem 1rem; margin: 1rem 0; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3 { margin-bottom: 0; } h4 { margin: 1rem 0 .25rem; }
.method { text-transform: uppercase; font-weight: 700; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
td, th { text-align: left; vertical-align: top; padding: .2rem .75rem .2rem 0; border-bottom: 1px solid var(--line); }
"""
_LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "characters, at least",
    "maxLength": "characters, at most",
    "minItems": "items, at least",
    "maxItems": "items, at most",
    "default": "default",
}
_EXAMPLES: Mapping[str, object] = {
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
}
_FORMATS = {"uuid": "123e4567-e89b-12d3-a456-426614174000", "date-time": "2026-01-05T12:00:00Z"}
_DEPTH = 6
"""So deep are examples."""


def page(document: Node) -> str:
    """The whole page."""
    return "\n".join(_Page(document).lines())


class _Page:
    def __init__(self, document: Node) -> None:
        self._document = document
        self._schemas: Node = document["components"]["schemas"]

    def lines(self) -> Iterator[str]:
        info = self._document["info"]
        title = f"{escape(info['title'])} {escape(info['version'])}"
        yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        yield f"<p>{_prose(info['description'])}</p>"
        yield '<p>For programs: <a href="openapi.json">openapi.json</a>.</p>'
        yield from self._contents()
        for tag in self._document["tags"]:
            yield f"<h2>{escape(tag['name'])}</h2><p>{_prose(tag['description'])}</p>"
            for path, method, operation in self._operations(tag["name"]):
                yield from self._operation(path, method, operation)
        yield "<h2>Schemas</h2>"
        for name, schema in self._schemas.items():
            yield from self._schema(name, schema)
        yield "</body></html>"

    def _operations(self, tag: str) -> Iterator[tuple[str, str, Node]]:
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                if tag in operation["tags"]:
                    yield path, method, operation

    def _contents(self) -> Iterator[str]:
        yield "<nav><ul>"
        for tag in self._document["tags"]:
            for path, method, operation in self._operations(tag["name"]):
                name = escape(operation["operationId"])
                yield f'<li><a href="#{name}"><code>{method.upper()} {escape(path)}</code></a></li>'
        yield "</ul></nav>"

    def _operation(self, path: str, method: str, operation: Node) -> Iterator[str]:
        yield f'<article id="{escape(operation["operationId"])}">'
        yield f'<h3><code><span class="method">{method}</span> {escape(path)}</code></h3>'
        yield f"<p><b>{escape(operation['summary'])}.</b> {_prose(operation.get('description', ''))}</p>"
        if operation.get("parameters"):
            yield "<h4>Parameters</h4>"
            yield from _table(self._parameter(one) for one in operation["parameters"])
        if (body := operation.get("requestBody")) is not None:
            schema = next(iter(body["content"].values()))["schema"]
            yield f"<h4>Body{'' if body.get('required') else ' (may be left out)'}</h4><p>{self._kind(schema)}</p>"
            yield f"<pre>{escape(json.dumps(self._example(schema), indent=2))}</pre>"
        yield "<h4>Answers</h4>"
        yield from _table(self._answer(status, one) for status, one in operation["responses"].items())
        yield "</article>"

    def _parameter(self, one: Node) -> tuple[str, str, str]:
        needed = "" if one.get("required") else " (optional)"
        place = f"<code>{escape(one['name'])}</code><br>in the {escape(one['in'])}{needed}"
        return place, self._kind(one["schema"]), _prose(one.get("description", ""))

    def _answer(self, status: str, one: Node) -> tuple[str, str, str]:
        kinds = (f"{self._kind(c['schema'])} as {escape(media)}" for media, c in one.get("content", {}).items())
        return f"<code>{escape(status)}</code>", "<br>".join(kinds), _prose(one["description"])

    def _schema(self, name: str, schema: Node) -> Iterator[str]:
        yield f'<article id="schema-{escape(name)}"><h3>{escape(name)}</h3>'
        yield f"<p>{_prose(schema.get('description', ''))}</p>"
        required = set(schema.get("required", ()))
        if schema.get("properties"):
            yield from _table(self._field(field, one, required) for field, one in schema["properties"].items())
        else:
            yield f"<p>{self._kind(schema)}</p>"
        yield "</article>"

    def _field(self, name: str, schema: Node, required: set[str]) -> tuple[str, str, str]:
        needed = "" if name in required else "<br>(optional)"
        return f"<code>{escape(name)}</code>{needed}", self._kind(schema), _prose(schema.get("description", ""))

    def _kind(self, schema: Node) -> str:
        """What a value is, as HTML, with links to the schemas."""
        if "$ref" in schema:
            name = escape(_name(schema))
            return f'<a href="#schema-{name}">{name}</a>'
        for word, joint in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")):
            if word in schema:
                return joint.join(self._kind(one) for one in schema[word])
        if "enum" in schema or "const" in schema:
            return " | ".join(f"<code>{escape(str(one))}</code>" for one in schema.get("enum", [schema.get("const")]))
        if schema.get("type") == "array":
            return f"array of {self._kind(schema.get('items', {}))}"
        said = [str(schema.get("format") or schema.get("type", "anything"))]
        said += [f"{words} {schema[name]:g}" for name, words in _LIMITS.items() if _is_number(schema.get(name))]
        return escape(", ".join(said))

    def _example(self, schema: Node, depth: int = 0) -> object:
        if "$ref" in schema:
            return self._example(self._schemas[_name(schema)], depth)
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                return self._example(schema[word][0], depth)
        if depth < _DEPTH and schema.get("type") == "array":
            return [self._example(schema.get("items", {}), depth + 1)]
        if depth < _DEPTH and "properties" in schema:
            return {name: self._example(one, depth + 1) for name, one in schema["properties"].items()}
        return _simple_example(schema)


def _simple_example(schema: Node) -> object:
    if "enum" in schema or "const" in schema:
        return schema.get("enum", [schema.get("const")])[0]
    least = schema.get("minimum") if schema.get("type") in {"integer", "number"} else None
    text = _FORMATS.get(schema.get("format", ""))
    return schema.get("default", least or text or _EXAMPLES.get(schema.get("type", "")))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _name(schema: Node) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "<table>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    yield "</table>"


def _prose(text: str) -> str:
    """Text as HTML: what is between backticks is code, an empty line begins a paragraph."""
    parts = escape(text).split("`")
    marked = "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
    return marked.replace("\n\n", "<br><br>")
