"""Errors as RFC 7807 problem documents: the tree of domain/errors.py, mapped once."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from tinytown.domain.errors import TinytownError

MEDIA_TYPE = "application/problem+json"


def to_problem(_: Request, error: Exception) -> JSONResponse:
    """The answer to a request that was refused. No trace or path of ours leaves."""
    if not isinstance(error, TinytownError):
        raise error
    title = error.slug.replace("-", " ").capitalize()
    body = {
        "type": f"urn:tinytown:problem:{error.slug}",
        "title": title,
        "status": error.http_status,
        "detail": error.message,
    }
    return JSONResponse(body, error.http_status, media_type=MEDIA_TYPE)
