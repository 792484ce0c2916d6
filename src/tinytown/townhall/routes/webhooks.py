"""GitHub's webhooks: what they tell makes missions look at once. Their signature stands for who sends them."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from tinytown.bootstrap import Town
from tinytown.domain.errors import ConflictError, InvalidInputError, NotFoundError
from tinytown.gate.problems import of_error, problem
from tinytown.schemas.webhooks import DeliveryTaken
from tinytown.services.deliveries import LIMIT_BYTES, Taken, check_headers
from tinytown.services.webhook_secret import find_secret
from tinytown.townhall.context import LentTown

LARGE_BYTES = 256 * 1024
LARGE_AT_ONCE = 4
"""So many larger deliveries are held in memory at the same time; who sends them is known only by their signature."""
_BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}

router = APIRouter(prefix="/v1/webhooks", tags=["Missions"])


@router.post(
    "/github",
    summary="Receive a delivery of a GitHub webhook",
    operation_id="receiveGithubDelivery",
    status_code=202,
    response_model=DeliveryTaken,
    responses={401: {"description": "The signature is missing or another's"}},
    openapi_extra={"requestBody": _BODY},
)
async def receive_delivery(request: Request, town: LentTown) -> DeliveryTaken | Response:
    """Take what GitHub tells; a delivery that comes again changes nothing.

    It is signed with the webhook's secret (`X-Hub-Signature-256`), and needs no other credentials.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    await run_in_threadpool(_check_secret, town)
    check_headers(headers)
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) <= LARGE_BYTES:
        return await _taken(request, town, headers)
    async with _large(request):
        return await _taken(request, town, headers)


async def _taken(request: Request, town: Town, headers: dict[str, str]) -> DeliveryTaken | Response:
    try:
        body = await _body(request)
    except ClientDisconnect:
        return of_error(InvalidInputError("the delivery is cut short"))
    if body is None:
        return problem(413, "too-large", f"a delivery has at most {LIMIT_BYTES} bytes")
    return DeliveryTaken.of(await run_in_threadpool(_take, town, headers, body))


def _take(town: Town, headers: dict[str, str], body: bytes) -> Taken:
    return town.own_deliveries().take(headers, body)


def _check_secret(town: Town) -> None:
    """Refuse deliveries that nobody here can judge."""
    if not town.is_on_github:
        raise NotFoundError("this town's issues and pull requests are not on GitHub; it takes no deliveries")
    settings = town.settings.forge
    if find_secret(settings, town.root, town.environ) is None:
        raise ConflictError(f"this town has no secret for webhooks; its operator sets {settings.webhook_secret_env}")


async def _body(request: Request) -> bytes | None:
    """The body as it came; None when it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT_BYTES:
            return None
    return bytes(body)


def _large(request: Request) -> asyncio.Semaphore:
    """The places for large deliveries of this server."""
    state = request.app.state
    if not hasattr(state, "large_deliveries"):
        state.large_deliveries = asyncio.Semaphore(LARGE_AT_ONCE)
    found: asyncio.Semaphore = state.large_deliveries
    return found
