"""What goes wrong in a route or before it, as problem documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tinytown.domain.errors import AlreadyExistsError, InvalidInputError, TinytownError
from tinytown.gate.problems import of_error, problem
from tinytown.gate.wording import is_for_operators, outward

log = structlog.get_logger("tinytown.townhall")

SHOWN = 20
"""So many fields are named at most."""
_TEXT_LIMIT = 200
_IN_WORDS = {
    "extra_forbidden": "is not known here; leave it out",
    "string_pattern_mismatch": "has characters that it may not have, or not there; `/docs` says which it may",
}
"""What the validator says of no use to who asked."""
_BUG = "something went wrong in the server; its log says what, under the id of this request"


def add_refusals(app: FastAPI) -> None:
    """Have the application answer every error with a problem document."""
    app.add_exception_handler(TinytownError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _turned_away)
    app.add_exception_handler(Exception, _bug)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, TinytownError):
        raise error
    if is_for_operators(error):
        log.warning("a request failed", kind=error.slug, why=error.message)
    return refusal(error)


def refusal(error: TinytownError) -> Response:
    """The answer to a request that was refused.

    What names a `field` in its evidence, or an `argument` of the use case, which bodies call the same, names it there.
    """
    match error:
        case InvalidInputError(evidence={"field": str() as field}):
            return _naming(field, error)
        case (
            InvalidInputError(evidence={"argument": str() as name})
            | AlreadyExistsError(evidence={"argument": str() as name})
        ):
            return _naming(f"body.{name}", error)
    return of_error(error)


def _naming(field: str, error: TinytownError) -> Response:
    said = outward(error)
    return problem(error.http_status, error.slug, said, errors=[{"field": field, "message": said}])


async def _malformed(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [_wrong(one, error.body) for one in error.errors()[:SHOWN]]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in found)
    return problem(InvalidInputError.http_status, InvalidInputError().slug, detail, errors=found)


async def _turned_away(_: Request, error: Exception) -> Response:
    """What the framework itself refuses: a path that leads nowhere, a body that is no JSON."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(404, "unknown-path", "nothing is served at this path; see /docs for what is")
    if error.status_code == HTTPStatus.BAD_REQUEST:
        wrong = {"field": "body", "message": "is no JSON in UTF-8"}
        return problem(400, InvalidInputError().slug, "body: is no JSON in UTF-8", errors=[wrong])
    status = HTTPStatus(error.status_code)
    return problem(status, status.phrase.lower().replace(" ", "-"), status.description, headers=error.headers)


async def _bug(_: Request, __: Exception) -> Response:
    """The answer only: the framework raises the error again, for who logs it."""
    return problem(500, "internal", _BUG)


def _wrong(found: Mapping[str, Any], body: Any) -> dict[str, str]:
    place, *path = found["loc"]
    if found["type"] == "json_invalid":
        return {"field": "body", "message": f"is no JSON: {found['ctx']['error']} at character {path[0]}"}
    inner = _in_body(path, body, is_missing=found["type"] == "missing") if place == "body" else path
    field = "".join([str(place), *(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inner)])
    message = _IN_WORDS.get(found["type"]) or str(found["msg"]).removeprefix("Value error, ").replace("\n", " ")
    return {"field": field[:_TEXT_LIMIT], "message": message[:_TEXT_LIMIT]}


def _in_body(path: Sequence[str | int], body: Any, *, is_missing: bool) -> list[str | int]:
    """The path to what is wrong, without the names of alternatives that the validator puts between."""
    kept: list[str | int] = []
    for index, part in enumerate(path):
        is_last_and_missing = is_missing and index == len(path) - 1
        match body:
            case dict() if part in body:
                body = body[part]
            case list() if isinstance(part, int) and part < len(body):
                body = body[part]
            case _ if not is_last_and_missing:
                continue
        kept.append(part)
    return kept
