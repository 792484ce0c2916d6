"""The documentation that can be browsed, and the document behind it."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.integration.townhall.served import Served

_VOID = {"meta", "br"}


class _Reader(HTMLParser):
    """What a page links to and what can be linked to; every tag must be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        if tag not in _VOID:
            self.open.append(tag)
        if (link := given.get("href")) is not None:
            self.links.add(link)
        if (anchor := given.get("id")) is not None:
            assert anchor not in self.anchors
            self.anchors.add(anchor)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_html_that_loads_nothing(served: Served) -> None:
    answer = served.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    found = _read(answer.text)
    assert found.tags.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert {link for link in found.links if not link.startswith("#")} == {"openapi.json"}


def test_every_operation_and_schema_has_its_anchor_and_every_link_leads_somewhere(served: Served) -> None:
    found = _read(served.get("/docs").text)
    document = served.ok("GET", "/openapi.json")
    ids = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    assert ids <= found.anchors
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= found.anchors
    assert {link.removeprefix("#") for link in found.links if link.startswith("#")} <= found.anchors


def test_the_page_says_what_an_operation_needs_and_answers(served: Served) -> None:
    text = served.get("/docs").text
    article = text.partition('<article id="assignTask">')[2].partition("</article>")[0]
    for said in (
        "Needs the scope <code>town.write</code>",
        "<code>415</code>",
        "#schema-AssignTaskRequest",
        "&quot;task",
    ):
        assert said in article


def test_the_document_is_json_and_the_same_each_time(served: Served) -> None:
    first = served.get("/openapi.json")
    assert first.headers["content-type"] == "application/json"
    assert first.text == served.get("/openapi.json").text
