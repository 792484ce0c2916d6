"""GitHub's webhooks: what they tell makes missions look at once. Their signature stands for who sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from tinytown.bootstrap import Town
from tinytown.domain.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from tinytown.gate.problems import of_error, problem
from tinytown.schemas.webhooks import DeliveryTaken
from tinytown.services.deliveries import LIMIT_BYTES, Taken, check_headers
from tinytown.services.webhook_secret import find_secret
from tinytown.townhall.context import LentTown

LARGE_BYTES = 256 * 1024
"""A delivery has so much room in any case."""
ROOM_BYTES = 4 * LIMIT_BYTES
"""Beyond that, all deliveries together have so much: who sends them is known only by the signature of the whole."""
BODY_SECS = 10.0
"""How long a delivery may take to come; GitHub does not wait longer."""
_BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}

router = APIRouter(prefix="/v1/webhooks", tags=["Missions"])


@router.post(
    "/github",
    summary="Receive a delivery of a GitHub webhook",
    operation_id="receiveGithubDelivery",
    status_code=202,
    response_model=DeliveryTaken,
    responses={
        401: {"description": "The signature is missing or another's"},
        408: {"description": "The delivery did not come in time"},
    },
    openapi_extra={"requestBody": _BODY},
)
async def receive_delivery(request: Request, town: LentTown) -> DeliveryTaken | Response:
    """Take what GitHub tells; a delivery that comes again changes nothing.

    It is signed with the webhook's secret (`X-Hub-Signature-256`), and needs no other credentials.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    await run_in_threadpool(_check_secret, town)
    check_headers(headers)
    room = _room(request)
    with room.held() as held:
        try:
            async with asyncio.timeout(BODY_SECS):
                body = await _body(request, held)
        except TimeoutError:
            detail = f"the delivery did not come within {BODY_SECS:g} s"
            return problem(408, "body-too-slow", detail, headers={"Connection": "close"})
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


async def _body(request: Request, held: Held) -> bytes | None:
    """The body as it came; None when it is too large. UnavailableError: there is no room for it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT_BYTES:
            return None
        held.hold(len(body) - LARGE_BYTES)
    return bytes(body)


class Room:
    """Bytes in memory for what is large in deliveries: a body that comes slowly takes no more than came of it."""

    def __init__(self, total_bytes: int) -> None:
        self.left_bytes = total_bytes

    @contextmanager
    def held(self) -> Iterator[Held]:
        """What one delivery holds, given back at the end."""
        held = Held(self)
        try:
            yield held
        finally:
            self.left_bytes += held.held_bytes


class Held:
    """One delivery's part of the room."""

    def __init__(self, room: Room) -> None:
        self.held_bytes = 0
        self._room = room

    def hold(self, wanted_bytes: int) -> None:
        """Have so many bytes in all. UnavailableError: there is no room for them."""
        more = wanted_bytes - self.held_bytes
        if more <= 0:
            return
        if more > self._room.left_bytes:
            raise UnavailableError(
                "too many large deliveries come at once; deliver it again", retry_after_secs=ceil(BODY_SECS)
            )
        self._room.left_bytes -= more
        self.held_bytes += more


def _room(request: Request) -> Room:
    """The server's."""
    state = request.app.state
    if not hasattr(state, "delivery_room"):
        state.delivery_room = Room(ROOM_BYTES)
    found: Room = state.delivery_room
    return found
