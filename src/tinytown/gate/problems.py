"""Errors as RFC 7807 problem documents: the tree of domain/errors.py, mapped once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from starlette.responses import JSONResponse

from tinytown.domain.errors import (
    MissingScopeError,
    ProblemsError,
    QuotaError,
    StoreUnavailableError,
    TinytownError,
    UnauthenticatedError,
    UnavailableError,
)
from tinytown.gate.wording import outward, without_paths

MEDIA_TYPE = "application/problem+json"

_CHALLENGE = 'Bearer realm="tinytown"'


def problem(
    status: int, slug: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: object
) -> JSONResponse:
    """A problem document.

    Args:
        status: of the answer.
        slug: stable name of the kind of problem, in kebab case.
        detail: one line that says what to do.
        headers: of the answer.
        more: further members.
    """
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    body = {
        "type": f"urn:tinytown:problem:{slug}",
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        **({} if request_id is None else {"request_id": request_id}),
        **more,
    }
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def of_error(error: TinytownError) -> JSONResponse:
    """The answer to a request that was refused. No trace or path of ours leaves."""
    more = {"errors": _errors_of(error)} if isinstance(error, ProblemsError) else {}
    return problem(error.http_status, error.slug, outward(error), headers=_headers_of(error), **more)


def _errors_of(error: ProblemsError) -> list[dict[str, str]]:
    """Each problem, in the shape of what is wrong with single fields; what was named is in the body somewhere."""
    return [{"field": "body", "message": without_paths(line)} for line in error.problems]


def _headers_of(error: TinytownError) -> dict[str, str]:
    match error:
        case UnauthenticatedError(is_offered=True):
            told = f'error="invalid_token", error_description="{_quotable(error.message)}"'
            return {"WWW-Authenticate": f"{_CHALLENGE}, {told}"}
        case UnauthenticatedError():
            return {"WWW-Authenticate": _CHALLENGE}
        case MissingScopeError():
            told = f'error="insufficient_scope", scope="{" ".join(error.scopes)}"'
            return {"WWW-Authenticate": f"{_CHALLENGE}, {told}"}
        case QuotaError(retry_at=datetime() as at):
            return {"Retry-After": str(max(1, math.ceil((at - datetime.now(UTC)).total_seconds())))}
        case UnavailableError(evidence={"retry_after_secs": int() as secs}):
            return {"Retry-After": str(secs)}
    return {"Retry-After": "1"} if isinstance(error, StoreUnavailableError) else {}


def _quotable(text: str) -> str:
    """The text as RFC 6750 lets a description be: ASCII without quotes and backslashes."""
    return "".join(c if " " <= c <= "~" else "?" for c in text).replace('"', "'").replace("\\", "'")
