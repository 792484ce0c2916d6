"""Errors as RFC 7807 problem documents: the tree of domain/errors.py, mapped once."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

from tinytown.domain.errors import MissingScopeError, TinytownError, UnauthenticatedError

MEDIA_TYPE = "application/problem+json"
RETRY_SECS = 2
"""When it is worth asking again for what cannot be reached just now."""

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
    body = {
        "type": f"urn:tinytown:problem:{slug}",
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        **more,
    }
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def of_error(error: TinytownError) -> JSONResponse:
    """The answer to a request that was refused. No trace or path of ours leaves."""
    more = {"problems": [without_paths(line) for line in error.problems]} if isinstance(error, ProblemsError) else {}
    return problem(error.http_status, error.slug, outward(error), headers=_headers(error), **more)


def _headers(error: TinytownError) -> dict[str, str]:
    if not isinstance(error, UnavailableError):
        return {}
    secs = RETRY_SECS
    if isinstance(error, QuotaError) and error.retry_at is not None:
        secs = max(secs, math.ceil((error.retry_at - datetime.now(UTC)).total_seconds()))
    return {"Retry-After": str(secs)}
