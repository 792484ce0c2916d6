"""What goes between a client and the tests' GitHub: one request, one answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec


class Request(msgspec.Struct, frozen=True):
    """A request as it came. Header names are in lower case; `path` has no query and is still percent-encoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's JSON; `{}` when it has none."""
        return json.loads(self.body or b"{}")

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").partition(" ")[2]


class Answer(msgspec.Struct, frozen=True):
    """An answer, and what goes wrong on its way."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = {}
    wait_secs: float = 0
    """How long the client waits for it (less when the test ends)."""
    cut_after: int | None = None
    """The connection is cut after that many bytes of the body; below 0: before the status line."""

    def json(self) -> Any:
        return json.loads(self.body or b"null")


_JSON = "application/json; charset=utf-8"
Part = Callable[[Request], Answer | None]
"""What answers some requests and leaves others (None) to the next."""


def said(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(body).encode(), {"content-type": _JSON, **(headers or {})})


def refused(
    status: int,
    message: str,
    errors: Sequence[object] = (),
    headers: dict[str, str] | None = None,
) -> Answer:
    """An error in the shape of GitHub's basic-error and validation-error."""
    body: dict[str, object] = {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(status),
    }
    return said(body | ({"errors": list(errors)} if errors else {}), status, headers)


def invalid(resource: str, message: str = "", *, code: str = "custom", field: str = "") -> Answer:
    """GitHub's 422 "Validation Failed" with one error."""
    error = {"resource": resource, "code": code, "message": message, "field": field}
    return refused(422, "Validation Failed", [{name: value for name, value in error.items() if value}])


CUT = Answer(0, cut_after=-1)
"""The connection ends without an answer."""
