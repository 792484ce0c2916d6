"""The documentation that can be browsed."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from tinytown.townhall.reference import page

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The whole reference on one page; it needs no network but this server."""
    document = request.app.openapi()
    return HTMLResponse(await run_in_threadpool(partial(page, document)))
