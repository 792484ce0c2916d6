"""Errors as RFC 7807 problem documents: the tree of domain/errors.py, mapped once."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

from tinytown.domain.errors import TinytownError

MEDIA_TYPE = "application/problem+json"


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
    return problem(error.http_status, error.slug, error.message)
